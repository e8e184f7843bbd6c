//! What each identity provider that was played runs into, in a line: the findings turned round.
//!
//! Must not judge: it gathers what findings say breaks, where they were seen.

use crate::event::{FindingReport, Outcome, OutlookReport, RunReport};
use crate::profile::idp;
use crate::rules::Impact;
use std::collections::{BTreeMap, BTreeSet};

/// A line for each identity provider of whose conversations one at least was played to its end, in the order of their names.
pub fn outlook(report: &RunReport) -> Vec<OutlookReport> {
    let names: BTreeSet<&str> = idp::names().into_iter().collect();
    let ended = report.cases.iter().filter(|c| matches!(c.outcome, Outcome::Passed | Outcome::Failed));
    let mut troubles: BTreeMap<&str, BTreeSet<Impact>> =
        ended.filter(|c| names.contains(c.idp.as_str())).map(|c| (c.idp.as_str(), BTreeSet::new())).collect();
    for finding in report.findings.iter().filter(|f| f.fails) {
        for place in places(finding) {
            if let Some(met) = place.split('/').next().and_then(|folder| troubles.get_mut(folder)) {
                met.insert(finding.impact);
            }
        }
    }
    let cut_short = |name: &str| {
        let own = || report.cases.iter().filter(|c| c.idp == name && c.outcome != Outcome::Skipped);
        let blocked = own().filter(|c| matches!(c.outcome, Outcome::Blocked | Outcome::Error)).count();
        (blocked > 0).then(|| format!("{blocked} of {} conversations could not be played to their end", own().count()))
    };
    let told = troubles.into_iter().filter(|(name, _)| *name != "rfc").map(|(name, impacts)| OutlookReport {
        idp: name.to_owned(),
        title: idp::find(name).ok().flatten().map_or_else(|| name.to_owned(), |profile| profile.title),
        troubles: impacts.into_iter().filter_map(words).map(str::to_owned).chain(cut_short(name)).collect(),
    });
    told.collect()
}

fn places(finding: &FindingReport) -> impl Iterator<Item = &str> {
    std::iter::once(finding.scenario.as_str()).chain(finding.also.iter().map(String::as_str))
}

/// What an admin or a member of the staff would say; nothing for what only strict clients notice.
fn words(impact: Impact) -> Option<&'static str> {
    Some(match impact {
        Impact::ConnectionTestFails => "the connection test fails",
        Impact::LookupFails => "look-ups fail",
        Impact::WrongMatch => "people are matched to the wrong account",
        Impact::CreateFails => "accounts are not created",
        Impact::DuplicateCreated => "second accounts are made",
        Impact::UserNotFound => "stored ids lead nowhere",
        Impact::UpdateFails => "updates are refused",
        Impact::UpdateLost => "updates are lost in silence",
        Impact::StaysActive => "who is deactivated keeps access",
        Impact::CannotReactivate => "who comes back stays locked out",
        Impact::DataLeak => "data leaks",
        Impact::GroupPushFails => "groups are not pushed",
        Impact::GroupDrifts => "groups drift",
        Impact::MembersLost => "members are lost",
        Impact::AccessKept => "removed members stay",
        Impact::ImportFails => "imports stop",
        Impact::ImportIncomplete => "imports miss people",
        Impact::RetriesForever => "requests fail and are repeated without end",
        Impact::AccessNotGuarded => "anybody is let in",
        Impact::ClientConfused | Impact::None => return None,
    })
}
