//! What Djblets can do.

use super::{Row, shown};

pub(super) const ROWS: &[Row] = &[
    // Registry, manager, lifecycle.
    shown(
        "Registry: integrations by id, in the order of their names; an unknown id is an error",
        &["tests/it/registry.rs::an_id_is_registered_once_and_iteration_is_sorted_by_name"],
    ),
    shown(
        "Integration id: explicit, fit for any URL, and checked by the compiler",
        &["src/id.rs#IntegrationId::new(\"Acme Chat\")", "src/id.rs::integration_ids_fit_urls"],
    ),
    shown(
        "Register: starts nothing and asks the database nothing; twice is an error",
        &[
            "tests/it/registry.rs::registering_makes_no_query_and_starts_nothing",
            "tests/it/registry.rs::an_id_is_registered_once_and_iteration_is_sorted_by_name",
        ],
    ),
    shown(
        "Unregister: stops what runs; its errors are in the report",
        &[
            "tests/it/lifecycle.rs::guards_go_whatever_a_stop_does",
            "tests/it/lifecycle.rs::dropping_a_registration_stops_the_integration",
        ],
    ),
    shown(
        "One instance per class: shared by all configurations, and without hooks while it does not run",
        &["tests/it/lifecycle.rs::it_runs_while_a_configuration_is_enabled_and_its_guards_go_with_it"],
    ),
    shown(
        "Lazy enable: runs while a configuration is enabled; a task starts and stops it, never a request",
        &[
            "tests/it/lifecycle.rs::it_runs_while_a_configuration_is_enabled_and_its_guards_go_with_it",
            "tests/it/lifecycle.rs::a_start_that_fails_panics_or_hangs_is_a_state_and_is_tried_again",
            "tests/it/lifecycle.rs::a_failed_one_that_nobody_wants_any_more_rests",
        ],
    ),
    shown(
        "initialize and shutdown: start returns guards, stop has a deadline, the guards go whatever it does",
        &["tests/it/lifecycle.rs::guards_go_whatever_a_stop_does"],
    ),
    shown(
        "Manager shutdown: stops all, within a deadline",
        &["tests/it/lifecycle.rs::a_shutdown_stops_all_within_its_deadline_and_for_good"],
    ),
    shown("Several managers per process", &["tests/it/registry.rs::managers_know_nothing_of_each_other"]),
    shown(
        "Manager access: it is passed as a value; without one there is no router to make",
        &["src/manager/builder.rs#Manager::builder().build()"],
    ),
    shown(
        "Setup checks: a manager without a store or a context does not compile",
        &["src/manager/builder.rs#Manager::builder().build()"],
    ),
    shown(
        "Config factory: a draft is unsaved and switched off until it is saved and switched on",
        &["tests/it/shown.rs::a_draft_is_saved_when_it_is_saved_and_off_until_it_is_switched_on"],
    ),
    shown(
        "Errors: typed, with ids and a text",
        &["tests/it/registry.rs::an_id_is_registered_once_and_iteration_is_sorted_by_name"],
    ),
    // Config model.
    shown(
        "Fields: id, integration, scope, name, switch, settings, own columns, version, times by the store",
        &["tests/it/configs.rs::a_saved_configuration_has_what_was_given_and_the_stores_times"],
    ),
    shown(
        "Settings get and set: typed, with defaults for what is missing, other values kept",
        &[
            "tests/it/settings/stored.rs::missing_values_have_their_defaults_in_form_reads_and_docs",
            "tests/it/settings/stored.rs::versions_are_migrated_or_refused",
            "tests/it/configs.rs::settings_of_an_earlier_version_are_migrated_when_they_are_read",
            "tests/it/configs.rs::values_that_nobody_knows_are_kept_and_reported",
        ],
    ),
    shown(
        "Defaults: one source for form, reads and documentation",
        &["tests/it/settings/stored.rs::missing_values_have_their_defaults_in_form_reads_and_docs"],
    ),
    shown(
        "Extra model fields: typed columns of the host, in the form, with their migration",
        &[
            "tests/it/configs.rs::the_hosts_columns_are_typed_filtered_by_and_follow_their_rows",
            "tests/it/configs.rs::the_sql_of_the_hosts_columns_can_be_printed",
            "../../examples/embedded-app/tests/it/steps.rs::the_boards_column_is_stored_and_follows_its_person",
        ],
    ),
    shown(
        "String form: name and integration",
        &["tests/it/shown.rs::a_configuration_says_its_name_and_its_integration_installed_or_not"],
    ),
    shown(
        "get_configs: the enabled ones of an integration, oldest first",
        &["tests/it/configs.rs::enabled_ones_are_given_oldest_first_and_one_scope_at_a_time"],
    ),
    shown(
        "get_integration_configs: all of them, filtered",
        &[
            "tests/it/lists.rs::filters_and_counts_agree",
            "tests/it/shown.rs::looking_configurations_up_asks_the_database_nothing_whatever_is_asked_for",
        ],
    ),
    shown(
        "Invalidation, local: whoever has saved sees it, and so are writes that go round us",
        &["tests/it/freshness.rs::writes_by_other_programs_are_seen"],
    ),
    shown(
        "Invalidation, other processes: by a generation that moves with the writer's transaction",
        &[
            "tests/it/freshness.rs::another_process_follows_without_any_request_there",
            "tests/it/freshness.rs::a_save_in_an_open_transaction_is_seen_when_it_commits",
            "tests/it/processes.rs::a_save_is_seen_by_other_processes_within_50_ms",
        ],
    ),
    shown(
        "Middleware check_expired: no request is needed to be up to date",
        &["tests/it/processes.rs::processes_are_never_stale_while_writers_write_and_die"],
    ),
    shown(
        "Edit conflicts: the second editor is told, and shown what the first saved",
        &[
            "tests/it/configs.rs::the_second_of_two_editors_is_shown_what_the_first_saved",
            "tests/it/configs.rs::one_of_many_concurrent_editors_wins_and_all_others_are_told",
            "tests/pages/http.rs::who_is_second_sees_what_the_first_saved_and_loses_nothing",
        ],
    ),
    // Forms.
    shown(
        "Config form: name and switch are the framework's, the fields are the settings'",
        &["tests/pages/http.rs::a_form_is_saved_and_shown_again_without_its_secret"],
    ),
    shown(
        "model_fields: what is a column and what is a setting is said by the types",
        &["tests/it/configs.rs::the_hosts_columns_are_typed_filtered_by_and_follow_their_rows"],
    ),
    shown("Fieldsets: groups with titles and help", &["tests/it/settings.rs::groups_are_there_once_and_in_order"]),
    shown("Basic info fieldset: there once", &["tests/it/settings.rs::groups_are_there_once_and_in_order"]),
    shown(
        "serialize and deserialize of a field: the type of a field does both",
        &["tests/it/settings/properties.rs::values_come_back_as_they_went"],
    ),
    shown(
        "Exclusions and disabled fields: transient values, read-only fields with a reason",
        &[
            "tests/it/settings/stored.rs::transient_values_are_not_stored",
            "tests/it/settings/posts.rs::a_forged_post_does_not_change_what_cannot_be_changed",
        ],
    ),
    shown(
        "Validation: per field, across fields, and by asking the service",
        &[
            "tests/it/settings.rs::all_faults_are_told_at_once",
            "tests/it/settings.rs::fields_are_looked_at_together_once_each_is_right",
            "tests/pages/http.rs::faults_are_told_at_the_field_and_above",
            "tests/pages/http.rs::a_check_that_fails_saves_nothing_but_can_be_saved_switched_off",
        ],
    ),
    shown(
        "Dynamic choices: from the service, depending on other fields",
        &[
            "tests/pages/http.rs::choices_come_from_the_service_and_depend_on_each_other",
            "tests/it/settings.rs::dynamic_options_are_checked_when_they_are_known",
        ],
    ),
    shown(
        "Special fields: secrets, lists, keys and values, amounts with units, rules",
        &[
            "tests/it/settings/posts.rs::every_widget_is_read",
            "tests/it/settings/posts.rs::keys_are_unique",
            "src/rule/tests/posted.rs::forms_are_read_in_the_order_of_their_rows",
        ],
    ),
    shown(
        "Request in form: who asks and where is known to policy, scope and layout",
        &["tests/pages/http.rs::the_policy_decides"],
    ),
    // Hooks and extensions.
    shown(
        "Lifecycle-bound hooks: guards that go when the integration stops",
        &["tests/it/lifecycle.rs::it_runs_while_a_configuration_is_enabled_and_its_guards_go_with_it"],
    ),
    shown(
        "SignalHook: handlers of events; one that fails harms nobody",
        &[
            "tests/it/deliveries/sending.rs::an_event_reaches_the_configurations_that_want_it_and_no_others",
            "tests/it/deliveries/events.rs::a_handler_that_fails_panics_or_hangs_is_called_again_and_holds_up_nobody",
        ],
    ),
    shown(
        "Other hooks: any guard of the host's is kept while the integration runs; own addresses are inbound webhooks",
        &[
            "tests/it/lifecycle.rs::it_runs_while_a_configuration_is_enabled_and_its_guards_go_with_it",
            "tests/it/deliveries/inbound.rs::whoever_is_not_believed_learns_nothing",
        ],
    ),
    shown(
        "Extension-provided integrations: a plugin is installed wholly or not at all, and its failure is its status",
        &["tests/it/registry.rs::a_plugin_is_installed_wholly_or_not_at_all_and_its_failure_is_its_status"],
    ),
    shown(
        "Not-installed integrations: their configurations are listed and can be dealt with",
        &[
            "tests/it/registry.rs::configurations_of_a_missing_integration_are_listed_switched_off_exported_and_deleted",
            "tests/pages/http.rs::what_is_not_installed_is_listed_and_can_be_deleted",
        ],
    ),
    // Views, URLs, UI.
    shown(
        "List view: searched, filtered, paged by key, with a twin for programs",
        &[
            "tests/pages/http.rs::each_page_has_a_twin_for_programs_at_its_own_address",
            "tests/pages/http.rs::the_list_is_searched_filtered_and_paged",
            "tests/it/lists.rs::pages_follow_each_other_without_gaps_also_while_rows_come_and_go",
        ],
    ),
    shown("Admin variant: one policy, default deny", &["tests/pages/http.rs::the_policy_decides"]),
    shown(
        "Config form view: add, edit, save; every miss is a 404",
        &[
            "tests/pages/http.rs::all_misses_are_404",
            "tests/pages/http.rs::a_form_is_saved_and_shown_again_without_its_secret",
        ],
    ),
    shown(
        "Delete: can be taken back, and is in the history",
        &[
            "tests/pages/http.rs::deleted_configurations_can_be_had_back",
            "tests/it/configs.rs::a_deleted_configuration_can_be_had_back_until_it_is_purged",
            "tests/it/configs.rs::the_history_says_who_did_what_when_without_secrets",
        ],
    ),
    shown(
        "Per-user and per-organisation limits: the scope is an argument of every call",
        &[
            "tests/it/configs.rs::every_call_is_blind_to_other_scopes_and_integrations",
            "../../examples/embedded-app/tests/it/steps.rs::each_person_has_only_their_own",
        ],
    ),
    shown(
        "URL builder: the pages are a router that can be nested anywhere",
        &["tests/pages/mounted.rs::addresses_and_names_are_the_hosts"],
    ),
    shown(
        "Icons: one picture for every screen, or a letter",
        &["tests/pages/http.rs::the_list_survives_what_it_shows"],
    ),
    shown(
        "List page look: state, integration, name, switch, delete",
        &[
            "tests/pages/browser.rs::pages_fit_the_screen_and_inputs_have_names",
            "tests/pages/http.rs::switching_works_from_the_list_and_as_json",
        ],
    ),
    shown(
        "Add popup: tiles in a dialog, with a search",
        &["tests/pages/browser.rs::somebody_adds_corrects_tests_and_saves"],
    ),
    shown(
        "Delete dialog: names what goes, and works with the keyboard",
        &["tests/pages/browser.rs::somebody_deletes_and_has_second_thoughts_with_the_keyboard_alone"],
    ),
    shown(
        "Form page: faults, test, save, also without a script",
        &[
            "tests/pages/browser.rs::somebody_adds_corrects_and_edits_with_the_keyboard_alone",
            "tests/pages/browser.rs::everything_works_without_a_script",
            "tests/pages/http.rs::a_test_saves_nothing_and_says_what_came_of_it",
        ],
    ),
    shown(
        "i18n: every text of a page can be translated",
        &["tests/pages/mounted.rs::texts_are_in_the_readers_language"],
    ),
];
