//! What Djblets' own tests assert, by its meaning.

use super::{Row, shown, without};

const REGISTERED: &str = "tests/it/registry.rs::an_id_is_registered_once_and_iteration_is_sorted_by_name";
const RUNS: &str = "tests/it/lifecycle.rs::it_runs_while_a_configuration_is_enabled_and_its_guards_go_with_it";
const FROM_MEMORY: &str =
    "tests/it/shown.rs::looking_configurations_up_asks_the_database_nothing_whatever_is_asked_for";
const NO_CACHE: &str =
    "There is no cache that could be cleared: one snapshot is swapped when the database's generation moves.";

pub(super) const ROWS: &[Row] = &[
    // Manager: making and ending it.
    shown(
        "a manager without the framework's tables is refused",
        &["tests/it/shown.rs::a_database_without_the_tables_is_said_and_breaks_nothing"],
    ),
    without(
        "a manager without its middleware is refused",
        "No middleware is needed: a task of the manager's keeps it up to date, and nothing runs before `run`.",
    ),
    shown(
        "a shutdown leaves nothing enabled and nothing registered",
        &["tests/it/lifecycle.rs::a_shutdown_stops_all_within_its_deadline_and_for_good"],
    ),
    shown("each manager of a process is its own", &["tests/it/registry.rs::managers_know_nothing_of_each_other"]),
    without(
        "all managers of a process are shut down by one call",
        "There is no list of managers: whoever made one shuts it down, and dropping `Running` ends its tasks.",
    ),
    // Manager: the registry.
    shown("the registered classes are told", &[REGISTERED]),
    shown("an integration is found by its id", &[REGISTERED]),
    shown("an unknown id is an error of its own", &[REGISTERED]),
    shown("registering makes the integration known under its id", &[REGISTERED]),
    shown("registering twice is an error of its own", &[REGISTERED]),
    shown(
        "an integration that cannot be made is an error of its own",
        &["tests/it/registry.rs::a_plugin_is_installed_wholly_or_not_at_all_and_its_failure_is_its_status"],
    ),
    shown("unregistering takes it out", &[REGISTERED]),
    shown("unregistering a running one stops it", &["tests/it/lifecycle.rs::guards_go_whatever_a_stop_does"]),
    shown(
        "unregistering an unknown one is an error",
        &["tests/it/shown.rs::a_configuration_cannot_be_of_an_integration_that_nobody_registered"],
    ),
    // Manager: configurations.
    shown("all configurations, enabled or not", &["tests/it/lists.rs::filters_and_counts_agree"]),
    shown("all configurations of one integration", &["tests/it/lists.rs::filters_and_counts_agree"]),
    shown("the configurations that a filter lets through", &["tests/it/lists.rs::filters_and_counts_agree"]),
    shown("the second look-up makes no query", &[FROM_MEMORY]),
    without("the cache of one query is cleared", NO_CACHE),
    without("the cache of one class is cleared", NO_CACHE),
    without("the whole cache is cleared", NO_CACHE),
    // Manager: being up to date.
    shown("a new manager is not out of date", &["tests/it/registry.rs::registering_makes_no_query_and_starts_nothing"]),
    shown("after a registration there is something to start", &[RUNS]),
    shown(
        "after a save it is out of date until it has read",
        &["tests/it/freshness.rs::writes_by_other_programs_are_seen"],
    ),
    shown("after a deletion too", &["tests/it/freshness.rs::writes_by_other_programs_are_seen"]),
    shown(
        "after a change by another process too",
        &["tests/it/freshness.rs::another_process_follows_without_any_request_there"],
    ),
    shown("once it has looked, what is enabled runs and nothing else", &[RUNS]),
    shown(
        "while nothing changed nothing is started",
        &[RUNS, "tests/it/registry.rs::registering_makes_no_query_and_starts_nothing"],
    ),
    // Integration.
    shown("a new one is disabled and has no hooks", &[RUNS]),
    shown("its id is the registered one", &[REGISTERED]),
    shown("enabling it starts it, and it has its hooks", &[RUNS]),
    shown("disabling it stops it, and its hooks are gone", &[RUNS]),
    shown(
        "its configurations: enabled ones only, of itself only, oldest first",
        &["tests/it/configs.rs::enabled_ones_are_given_oldest_first_and_one_scope_at_a_time"],
    ),
    shown(
        "its configurations by their name",
        &["tests/it/configs.rs::enabled_ones_are_given_oldest_first_and_one_scope_at_a_time"],
    ),
    shown(
        "a new configuration is unsaved and disabled",
        &["tests/it/shown.rs::a_draft_is_saved_when_it_is_saved_and_off_until_it_is_switched_on"],
    ),
    shown(
        "a saved new configuration has an id and is disabled",
        &["tests/it/shown.rs::a_draft_is_saved_when_it_is_saved_and_off_until_it_is_switched_on"],
    ),
    // Configuration.
    shown(
        "a configuration knows its integration",
        &["tests/it/configs.rs::a_saved_configuration_has_what_was_given_and_the_stores_times"],
    ),
    shown("a stored value is read", &["tests/it/settings/properties.rs::values_come_back_as_they_went"]),
    shown(
        "the integration's default stands for a missing value",
        &["tests/it/settings/stored.rs::missing_values_have_their_defaults_in_form_reads_and_docs"],
    ),
    without(
        "the caller's default stands for a value that has no other",
        "Settings are a struct: a field is there, or it is an `Option` and the caller says `unwrap_or`.",
    ),
    shown("a value is set", &["tests/it/configs.rs::a_saved_configuration_has_what_was_given_and_the_stores_times"]),
    shown(
        "as text it has the integration's name",
        &["tests/it/shown.rs::a_configuration_says_its_name_and_its_integration_installed_or_not"],
    ),
    shown(
        "as text it has the integration's id when it is not installed",
        &["tests/it/shown.rs::a_configuration_says_its_name_and_its_integration_installed_or_not"],
    ),
    // Form.
    shown(
        "a saved form gives a configuration",
        &["tests/pages/http.rs::a_form_is_saved_and_shown_again_without_its_secret"],
    ),
    shown(
        "name and switch are read from what was posted",
        &["tests/pages/http.rs::a_form_is_saved_and_shown_again_without_its_secret"],
    ),
    shown(
        "a field of the model is changed",
        &["tests/it/configs.rs::the_hosts_columns_are_typed_filtered_by_and_follow_their_rows"],
    ),
    shown("a field of the settings is changed", &["tests/it/settings/posts.rs::every_widget_is_read"]),
    // Integrations of extensions.
    shown(
        "an extension that starts brings its integration",
        &["tests/it/registry.rs::a_plugin_is_installed_wholly_or_not_at_all_and_its_failure_is_its_status"],
    ),
    shown(
        "an extension that stops takes it away",
        &["tests/it/registry.rs::a_plugin_is_installed_wholly_or_not_at_all_and_its_failure_is_its_status"],
    ),
];
