//! Deliveries of some days as bars.

use std::fmt::Write as _;

use super::say::Say;

/// One day.
#[derive(Clone, Debug, Default)]
pub(super) struct Day {
    /// As people read it, such as `24 May`.
    pub(super) label: String,
    pub(super) delivered: u64,
    pub(super) waiting: u64,
    pub(super) failed: u64,
}

const WIDTH: u64 = 700;
const HEIGHT: u64 = 120;
const BASE: u64 = HEIGHT - 20;

/// Bars without any style of their own: a strict policy for content lets them through, and the style sheet colours
/// them. Screen readers get the same numbers as a table.
pub(super) fn bars(days: &[Day], say: Say<'_>) -> String {
    let most = days.iter().map(|day| day.delivered + day.waiting + day.failed).max().unwrap_or(0).max(1);
    let step = WIDTH / days.len().max(1) as u64;
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\" focusable=\"false\">");
    let _ = write!(svg, "<line x1=\"0\" x2=\"{WIDTH}\" y1=\"{BASE}\" y2=\"{BASE}\"/>");
    for (at, day) in days.iter().enumerate() {
        let x = at as u64 * step + step / 5;
        let width = step * 3 / 5;
        bar(&mut svg, day, x, width, most);
        // Counted from today, which so has a label.
        if (days.len() - 1 - at).is_multiple_of(3) {
            let middle = x + width / 2;
            let _ = write!(
                svg,
                "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - 4,
                escape(&day.label)
            );
        }
    }
    svg.push_str("</svg>");
    svg.push_str(&table(days, say));
    svg
}

fn bar(svg: &mut String, day: &Day, x: u64, width: u64, most: u64) {
    let mut top = BASE;
    let parts = [("good", day.delivered), ("wait", day.waiting), ("bad", day.failed)];
    for (class, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        let height = (count * (BASE - 8) / most).max(2);
        top = top.saturating_sub(height);
        let _ = write!(
            svg,
            "<rect class=\"og-c-{class}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"2\"/>"
        );
    }
    if top == BASE {
        let _ = write!(
            svg,
            "<rect class=\"og-c-none\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"2\" rx=\"1\"/>",
            BASE - 2
        );
    }
}

fn table(days: &[Day], say: Say<'_>) -> String {
    let heads = [say.t("Day"), say.t("Delivered"), say.t("Waiting"), say.t("Failed")];
    let mut table = String::from("<table class=\"og-hide\"><thead><tr>");
    for head in &heads {
        let _ = write!(table, "<th scope=\"col\">{}</th>", escape(head));
    }
    table.push_str("</tr></thead><tbody>");
    for day in days {
        let _ = write!(
            table,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&day.label),
            day.delivered,
            day.waiting,
            day.failed
        );
    }
    table.push_str("</tbody></table>");
    table
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Untranslated;

    #[test]
    fn the_highest_day_fills_the_chart_and_no_day_leaves_it() {
        let day = |delivered, failed| Day { label: "<b>".to_owned(), delivered, waiting: 0, failed };
        let svg = bars(&[day(0, 0), day(1, 0), day(u64::from(u32::MAX), 1)], Say::new(&Untranslated));
        assert!(svg.contains("y=\"7\" width") && !svg.contains("y=\"-"), "{svg}");
        assert!(!svg.contains("<b>"));
        assert!(bars(&[], Say::new(&Untranslated)).starts_with("<svg"));
    }
}
