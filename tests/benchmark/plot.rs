//! Lines in a plane whose axes are logarithmic: what grows linearly rises as steeply as the dotted line.

use std::fmt::Write as _;

pub struct Plot {
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    pub lines: Vec<Line>,
}

pub struct Line {
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

impl Line {
    fn end(&self) -> f64 {
        self.points.last().map_or(1.0, |(_, y)| *y)
    }
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 50.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 150.0;
/// Between names that stand below each other.
const LINE_HEIGHT: f64 = 14.0;
const COLOURS: [&str; 6] = ["#1b6ca8", "#c0392b", "#2e7d32", "#8e44ad", "#b8860b", "#555555"];

/// Powers of ten that hold all values.
fn decades(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let low = values.clone().fold(f64::INFINITY, f64::min).max(1e-3).log10().floor();
    let high = values.fold(1e-3, f64::max).log10().ceil();
    (low, if high > low { high } else { low + 1.0 })
}

/// An SVG, the same for the same figures.
pub fn draw(plot: &Plot) -> String {
    let points = plot.lines.iter().flat_map(|line| line.points.iter().copied());
    let (x_low, x_high) = decades(points.clone().map(|(x, _)| x));
    let (y_low, y_high) = decades(points.map(|(_, y)| y));
    let place_x = |x: f64| LEFT + (x.log10() - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT);
    let place_y =
        |y: f64| HEIGHT - BOTTOM - (y.max(1e-3).log10() - y_low) / (y_high - y_low) * (HEIGHT - BOTTOM - TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}</text>\n",
        escape(&plot.title)
    );
    let mut mark = |text: String| svg.push_str(&text);
    let mut power = x_low;
    while power <= x_high {
        let x = place_x(10_f64.powf(power));
        mark(format!("<path d=\"M{x:.1} {TOP}V{:.1}\" stroke=\"#dddddd\"/>\n", HEIGHT - BOTTOM));
        mark(format!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
            HEIGHT - BOTTOM + 16.0,
            number(power)
        ));
        power += 1.0;
    }
    power = y_low;
    while power <= y_high {
        let y = place_y(10_f64.powf(power));
        mark(format!("<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#dddddd\"/>\n", WIDTH - RIGHT));
        mark(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            LEFT - 6.0,
            y + 4.0,
            number(power)
        ));
        power += 1.0;
    }
    mark(format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
        f64::midpoint(LEFT, WIDTH - RIGHT),
        HEIGHT - 12.0,
        escape(plot.x)
    ));
    mark(format!(
        "<text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
        f64::midpoint(TOP, HEIGHT - BOTTOM),
        escape(plot.y)
    ));
    for (index, line) in plot.lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let mut path = String::new();
        for (at, (x, y)) in line.points.iter().enumerate() {
            let _ = write!(path, "{}{:.1} {:.1}", if at == 0 { "M" } else { "L" }, place_x(*x), place_y(*y));
        }
        mark(format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n"));
        for (x, y) in &line.points {
            mark(format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>\n",
                place_x(*x),
                place_y(*y)
            ));
        }
        // As much as the first point, times as much as there is of it.
        if let (0, Some((x, y)), Some((last, _))) = (index, line.points.first(), line.points.last()) {
            let end = (y * last / x).min(10_f64.powf(y_high));
            let end_x = x * end / y;
            mark(format!(
                "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#999999\" stroke-dasharray=\"2 4\"/>\n",
                place_x(*x),
                place_y(*y),
                place_x(end_x),
                place_y(end)
            ));
        }
    }
    // Names of lines that end at the same height stand below each other.
    let mut names: Vec<(f64, usize)> =
        plot.lines.iter().enumerate().map(|(index, line)| (line.end(), index)).collect();
    names.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut next = f64::MIN;
    for (end, index) in names {
        let y = (place_y(end) + 4.0).max(next);
        next = y + LINE_HEIGHT;
        let (x, colour) = (WIDTH - RIGHT + 8.0, COLOURS[index % COLOURS.len()]);
        let name = escape(&plot.lines[index].name);
        mark(format!("<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{name}</text>\n"));
    }
    svg.push_str("</svg>\n");
    svg
}

/// A power of ten as people write it.
fn number(power: f64) -> String {
    let value = 10_f64.powf(power);
    if value >= 1e6 { format!("{} M", value / 1e6) } else { format!("{value}") }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
