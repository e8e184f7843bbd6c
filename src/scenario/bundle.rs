//! The scenarios that travel inside the binary.
//!
//! Must not know files on disk: `build.rs` has read them.

use super::error::LoadError;
use super::lower::load;
use super::model::Scenario;

include!(concat!(env!("OUT_DIR"), "/bundled_scenarios.rs"));

/// Every embedded file: path below the repository (`scenarios/okta/create-user.yaml`) and text, profiles included.
pub fn bundled() -> &'static [(&'static str, &'static str)] {
    BUNDLED
}

/// Ids of all embedded scenarios, in alphabetical order.
pub fn bundled_ids() -> Vec<&'static str> {
    BUNDLED.iter().filter_map(|(path, _)| scenario_id(path)).collect()
}

/// The text of an embedded scenario.
pub fn bundled_text(id: &str) -> Option<&'static str> {
    BUNDLED.iter().find(|(path, _)| scenario_id(path) == Some(id)).map(|(_, text)| *text)
}

/// Loads an embedded scenario. `None`: there is none of that id.
pub fn load_bundled(id: &str) -> Option<Result<Scenario, Vec<LoadError>>> {
    let text = bundled_text(id)?;
    let file = format!("scenarios/{id}.yaml");
    Some(load(text, &file, &|other| bundled_text(other).map(str::to_owned)))
}

/// Loads many embedded scenarios, on all cores; in the order of their ids, and without those that there are not.
pub fn load_many(ids: &[&str]) -> Vec<Result<Scenario, Vec<LoadError>>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(ids.len().div_ceil(8)).max(1);
    let mut loaded: Vec<(usize, Result<Scenario, Vec<LoadError>>)> = std::thread::scope(|scope| {
        // Dealt round, because the long ones stand together.
        let part = |first: usize| {
            let own = ids.iter().enumerate().skip(first).step_by(threads);
            own.filter_map(|(n, id)| Some((n, load_bundled(id)?))).collect::<Vec<_>>()
        };
        let others: Vec<_> = (1..threads).map(|first| scope.spawn(move || part(first))).collect();
        let mut all = part(0);
        for other in others {
            match other.join() {
                Ok(loaded) => all.extend(loaded),
                Err(broken) => std::panic::resume_unwind(broken),
            }
        }
        all
    });
    loaded.sort_by_key(|(n, _)| *n);
    loaded.into_iter().map(|(_, result)| result).collect()
}

fn scenario_id(path: &'static str) -> Option<&'static str> {
    let id = path.strip_prefix("scenarios/")?.strip_suffix(".yaml")?;
    let name = id.rsplit('/').next()?;
    (name != "profile").then_some(id)
}
