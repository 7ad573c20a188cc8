//! The night's report: one page that says of finished runs how they went, made
//! of their manifests and of what is at hand of their files.
//!
//! ```text
//!  manifest.json ─▶ found ──▶ verdict ──▶ page: overview, and a section each
//!    names files ─▶  │ sums   records counted by network and campaign
//!                    └ RejectSummary
//! ```
//!
//! The page is one HTML text that needs nothing else: no script, no font, no
//! picture from elsewhere, and a policy in it that forbids them. The same
//! files give the same page: it knows no present, unless it is told one. It is
//! read in light and dark, without colour, by keyboard, on paper and on a
//! telephone. This module must not know arguments or the terminal.

mod chart;
mod files;
mod found;
mod html;
mod made;
mod page;
mod rejected;
mod section;
mod serve;
mod sums;
mod table;
mod verdict;
mod words;

pub use found::{Found, Run, Signed};
pub use page::{is_page, page};
pub use sums::{Campaign, FormatSum, MOST_CAMPAIGNS, Name, Sums};
pub use verdict::Level;
