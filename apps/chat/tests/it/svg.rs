//! A screen as a picture.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

use crate::chat::size;

const WIDTH: f64 = 8.4;
const HEIGHT: u16 = 18;
const MARGIN: u16 = 14;
const BACKGROUND: &str = "#1b1d23";
const FOREGROUND: &str = "#d7dae0";
/// The sixteen colors of a terminal.
const COLORS: [&str; 16] = [
    "#3f4451", "#e05561", "#8cc265", "#d18f52", "#4aa5f0", "#c162de", "#42b3c2", "#d7dae0",
    "#7f8696", "#ff616e", "#a5e075", "#f0a45d", "#4dc4ff", "#de73ff", "#4cd1e0", "#e6e6e6",
];

/// How a cell looks.
#[derive(Clone, PartialEq, Eq)]
struct Look {
    foreground: String,
    background: Option<String>,
    attributes: String,
}

/// Draws a screen as SVG. Each piece of text says its width, so that it fits in any monospace font.
pub(crate) fn draw(screen: &Screen) -> String {
    let (rows, cols) = size(screen);
    let width = f64::from(cols) * WIDTH + f64::from(2 * MARGIN);
    let height = rows * HEIGHT + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height}\" width=\"{width:.1}\" \
         height=\"{height}\" font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"14\">\n<title>A chat with Codex in the terminal</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        for (col, cells, text, look) in runs(screen, row) {
            run(&mut svg, (row, col, cells), &text, &look);
        }
    }
    svg + "</svg>\n"
}

/// Splits a row into pieces of one look: their place, their width in cells, and their text.
fn runs(screen: &Screen, row: u16) -> Vec<(u16, u16, String, Look)> {
    let (_, cols) = size(screen);
    let mut runs: Vec<(u16, u16, String, Look)> = Vec::new();
    for col in 0..cols {
        let Some(cell) = screen
            .cell(row, col)
            .filter(|cell| !cell.is_wide_continuation())
        else {
            continue;
        };
        let text = if cell.has_contents() {
            cell.contents()
        } else {
            " "
        };
        let cells = if cell.is_wide() { 2 } else { 1 };
        let look = look(cell);
        match runs.last_mut() {
            Some((_, width, run, same)) if *same == look => {
                *width += cells;
                run.push_str(text);
            }
            _ => runs.push((col, cells, text.to_owned(), look)),
        }
    }
    runs
}

fn run(svg: &mut String, (row, col, cells): (u16, u16, u16), text: &str, look: &Look) {
    let x = |col: u16| f64::from(MARGIN) + f64::from(col) * WIDTH;
    let top = MARGIN + row * HEIGHT;
    if let Some(background) = &look.background {
        let (left, width) = (x(col), f64::from(cells) * WIDTH);
        writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{background}\"/>"
        )
        .unwrap();
    }
    let shown = text.trim_end();
    let start = shown.len() - shown.trim_start().len();
    let shown = &shown[start..];
    if shown.is_empty() {
        return;
    }
    // Spaces are one cell each, so that the place is counted in bytes of them.
    let left = x(col + u16::try_from(start).unwrap());
    let chars = u16::try_from(shown.chars().count()).unwrap();
    let width = f64::from(chars) * WIDTH;
    let text = shown
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{}\" fill=\"{}\"{} textLength=\"{width:.1}\" xml:space=\"preserve\">{text}</text>",
        top + 13,
        look.foreground,
        look.attributes,
    )
    .unwrap();
}

fn look(cell: &Cell) -> Look {
    let mut foreground = color(cell.fgcolor()).unwrap_or_else(|| FOREGROUND.to_owned());
    let mut background = color(cell.bgcolor());
    if cell.inverse() {
        let swapped = background.unwrap_or_else(|| BACKGROUND.to_owned());
        background = Some(std::mem::replace(&mut foreground, swapped));
    }
    let mut attributes = String::new();
    for (is_set, attribute) in [
        (cell.bold(), " font-weight=\"bold\""),
        (cell.italic(), " font-style=\"italic\""),
        (cell.underline(), " text-decoration=\"underline\""),
    ] {
        if is_set {
            attributes.push_str(attribute);
        }
    }
    Look {
        foreground,
        background,
        attributes,
    }
}

fn color(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Idx(index) => COLORS
            .get(usize::from(index))
            .map(|color| (*color).to_owned()),
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}
