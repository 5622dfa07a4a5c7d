//! Functions in real Node processes, confined as far as this machine allows.
//!
//! This binary is its own launcher: started as `… worker-enter`, it is a worker. So it cannot use
//! the standard harness; `main` below lists and runs the tests, and takes a name to choose some.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![allow(clippy::print_stdout, reason = "a harness reports on standard output")]

mod contract;
mod deploy;
mod ground;
mod identity;
mod lifecycle;
mod packages;
mod sandbox;
mod scaling;
mod zips;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// `tests![module: name, name; …]` makes the table of tests.
macro_rules! tests {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        &[$($((
            concat!(stringify!($module), "::", stringify!($name)),
            || Box::pin($module::$name())
        )),+),+]
    };
}

const TESTS: &[Test] = tests![
    contract: handlers_answer_by_the_table, context_has_what_sdks_read,
        files_of_the_function_are_found,
        logs_come_before_the_result, callback_waits_for_the_event_loop;
    identity: variables_of_one_call_are_gone_in_the_next,
        the_environment_behaves_like_that_of_node, requests_carry_their_invocation,
        unawaited_requests_finish_before_the_next_call, a_worker_speaks_only_for_its_own_calls,
        the_vendor_sdk_works_unmodified, an_unanswered_request_costs_the_worker;
    lifecycle: the_time_limit_kills_the_whole_group, broken_workers_are_explained_and_replaced,
        a_waiting_worker_serves_the_first_call, sixty_four_calls_at_once,
        calls_of_calls_do_not_starve,
        a_redeploy_lets_running_calls_finish, idle_workers_leave, the_queue_has_an_end,
        shutdown_ends_every_worker, memory_has_a_limit, no_worker_survives_the_server;
    deploy: bad_folders_are_refused_with_a_reason, bad_names_and_settings_are_refused,
        dependencies_are_resolved_in_order, missing_dependencies_are_installed,
        equal_packages_change_nothing, functions_are_listed_and_removed;
    scaling: workers_are_kept_ready, a_function_has_a_most, who_holds_all_gives_way,
        a_deploy_prepares_a_worker, code_that_asks_while_it_loads_is_not_loaded_ahead,
        slow_calls_get_a_worker_each, slow_calls_hold_up_no_quick_ones,
        versions_are_served_side_by_side,
        packages_outlive_the_process, nothing_is_left_in_the_run_folder;
    packages: a_lock_file_is_followed_to_the_letter,
        install_scripts_run_only_where_they_are_allowed,
        a_function_runs_on_the_node_it_asks_for,
        calls_that_are_not_supported_are_named_with_their_place,
        a_package_without_a_readable_note_is_made_again,
        a_bundle_behaves_as_the_files_it_is_made_of,
        what_a_bundle_would_change_stays_in_its_files;
    zips: zips_are_deployed, hostile_zips_are_refused, bombs_and_devices_are_refused,
        large_folders_are_refused;
    sandbox: confinement_holds_where_it_is_on, doctor_explains;
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "worker-enter") {
        return functions::enter(&arguments[1..]);
    }
    if arguments.first().is_some_and(|word| word == "serve-until-killed") {
        return run(lifecycle::serve_until_killed());
    }
    let has = |option: &str| arguments.iter().any(|word| word == option);
    if has("--list") {
        // No test is ignored, and that is what runners ask for with this option.
        for (name, _) in TESTS.iter().filter(|_| !has("--ignored")) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let fits =
        |name: &str, word: &str| if has("--exact") { name == word } else { name.contains(word) };
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| fits(name, word));
    ground::build_carried_sdks();
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in TESTS.iter().filter(|(name, _)| chosen(name)) {
        let well = std::thread::spawn(move || run(test())).join().is_ok();
        println!("test {name} ... {}", if well { "ok" } else { "FAILED" });
        *if well { &mut passed } else { &mut failed } += 1;
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(work)
}
