//! What went wrong, or could have, when Djblets was driven over its edges.

use super::{Row, shown};

pub(super) const ROWS: &[Row] = &[
    // Registry and lifecycle.
    shown(
        "an id with a hyphen breaks the list page",
        &[
            "tests/it/registry.rs::an_integration_without_icon_and_with_a_hyphen_in_its_id_is_like_any_other",
            "tests/pages/http.rs::the_list_survives_what_it_shows",
        ],
    ),
    shown(
        "a start that fails breaks whatever page came next",
        &[
            "tests/it/lifecycle.rs::a_start_that_fails_panics_or_hangs_is_a_state_and_is_tried_again",
            "tests/pages/http.rs::an_integration_that_does_not_start_is_shown_with_its_reason",
        ],
    ),
    shown(
        "after a start that failed it counts as enabled, without hooks",
        &["tests/it/lifecycle.rs::a_start_that_fails_panics_or_hangs_is_a_state_and_is_tried_again"],
    ),
    shown(
        "a stop that fails breaks a page and leaves hooks behind",
        &["tests/it/lifecycle.rs::guards_go_whatever_a_stop_does"],
    ),
    // Configurations.
    shown(
        "the time of the last change never moves",
        &["tests/it/configs.rs::a_saved_configuration_has_what_was_given_and_the_stores_times"],
    ),
    shown("configurations without a name break the list", &["tests/it/configs.rs::a_draft_with_faults_is_not_saved"]),
    shown(
        "a stored blank hides the default for good",
        &["tests/it/settings/stored.rs::a_stored_blank_does_not_hide_a_default"],
    ),
    shown(
        "unknown and old values are kept for ever, unseen",
        &[
            "tests/it/configs.rs::values_that_nobody_knows_are_kept_and_reported",
            "tests/pages/http.rs::values_of_another_version_are_kept_and_told",
        ],
    ),
    shown(
        "the form to add does not show the defaults, and a blank post stores over them",
        &[
            "tests/pages/http.rs::a_form_is_saved_and_shown_again_without_its_secret",
            "tests/it/settings/posts.rs::a_blank_is_a_choice_where_it_may_be_and_a_fault_where_not",
        ],
    ),
    shown(
        "each look-up by an id leaves an entry in the cache",
        &["tests/it/shown.rs::looking_configurations_up_asks_the_database_nothing_whatever_is_asked_for"],
    ),
    shown(
        "what one caller changes in a cached row is seen by the next",
        &[
            "tests/it/configs.rs::enabled_ones_are_given_oldest_first_and_one_scope_at_a_time",
            "tests/it/shown.rs::a_change_is_read_once_and_what_did_not_change_is_not_read_again",
        ],
    ),
    shown(
        "the order of arguments makes a second entry in the cache",
        &["tests/it/shown.rs::looking_configurations_up_asks_the_database_nothing_whatever_is_asked_for"],
    ),
    shown(
        "the second of two editors wins in silence",
        &[
            "tests/it/configs.rs::the_second_of_two_editors_is_shown_what_the_first_saved",
            "tests/pages/browser.rs::two_editors_meet",
        ],
    ),
    // Being up to date.
    shown(
        "a rule about something that was deleted matches nothing, and nobody sees it",
        &["tests/it/references.rs::rules_that_refer_to_a_row_that_is_gone_are_broken_and_say_so"],
    ),
    shown("writes in bulk go unseen", &["tests/it/freshness.rs::writes_by_other_programs_are_seen"]),
    shown(
        "a save in an open transaction leaves other processes stale",
        &["tests/it/freshness.rs::a_save_in_an_open_transaction_is_seen_when_it_commits"],
    ),
    shown(
        "a cache server that is down floods database and log",
        &[
            "tests/it/freshness.rs::a_store_that_is_gone_is_said_and_what_was_read_is_served",
            "tests/it/freshness.rs::a_process_that_is_cut_off_serves_what_it_has_says_so_and_comes_back",
        ],
    ),
    shown(
        "a process that serves no requests is never up to date",
        &[
            "tests/it/freshness.rs::another_process_follows_without_any_request_there",
            "../../examples/embedded-app/tests/it/steps.rs::a_second_process_sees_a_change_without_a_request",
        ],
    ),
    shown(
        "a slow reader puts old rows back, for good",
        &[
            "src/snapshot/tests.rs::what_a_slow_reader_brings_is_thrown_away",
            "tests/it/processes.rs::processes_are_never_stale_while_writers_write_and_die",
        ],
    ),
    shown(
        "kept: one reading for each change",
        &["tests/it/shown.rs::a_change_is_read_once_and_what_did_not_change_is_not_read_again"],
    ),
    // Forms and hooks.
    shown("a group is there twice", &["tests/it/settings.rs::groups_are_there_once_and_in_order"]),
    shown(
        "kept: an invalid post saves nothing and says why",
        &["tests/pages/http.rs::faults_are_told_at_the_field_and_above"],
    ),
    shown(
        "kept: a handler's error does not reach whoever caused the event",
        &["tests/it/deliveries/events.rs::a_handler_that_fails_panics_or_hangs_is_called_again_and_holds_up_nobody"],
    ),
    shown(
        "configurations of a missing integration cannot be seen or deleted",
        &[
            "tests/it/registry.rs::configurations_of_a_missing_integration_are_listed_switched_off_exported_and_deleted",
            "tests/pages/http.rs::what_is_not_installed_is_listed_and_can_be_deleted",
        ],
    ),
    // Pages.
    shown(
        "the list page breaks without the cookie against forged posts",
        &["tests/pages/http.rs::an_empty_list_invites", "tests/pages/http.rs::posts_from_elsewhere_are_refused"],
    ),
    shown(
        "the list page breaks for an integration without a picture",
        &[
            "tests/it/registry.rs::an_integration_without_icon_and_with_a_hyphen_in_its_id_is_like_any_other",
            "tests/pages/http.rs::the_list_survives_what_it_shows",
        ],
    ),
    shown("whoever is staff may edit everything", &["tests/pages/http.rs::the_policy_decides"]),
    shown("an unknown integration is an error page instead of a 404", &["tests/pages/http.rs::all_misses_are_404"]),
    shown(
        "kept: a configuration of another integration or scope is a 404",
        &[
            "tests/pages/http.rs::all_misses_are_404",
            "tests/it/configs.rs::every_call_is_blind_to_other_scopes_and_integrations",
        ],
    ),
    shown(
        "kept: deleting needs a post from our own pages, and is a 404 the second time",
        &[
            "tests/pages/http.rs::posts_from_elsewhere_are_refused",
            "tests/pages/http.rs::deleted_configurations_can_be_had_back",
        ],
    ),
    shown("texts are escaped twice, or not at all", &["tests/pages/http.rs::the_list_survives_what_it_shows"]),
];
