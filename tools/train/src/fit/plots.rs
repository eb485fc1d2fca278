//! The curves of a run, drawn from its logs.

use super::log::{steps_csv, validation_csv};
use crate::checkpoint::replace;
use image::{ImageFormat, RgbImage};
use plotters::{coord::Shift, prelude::*, style::register_font};
use std::{collections::BTreeMap, io::Cursor, path::Path, sync::Once};

/// Width and height of the drawing in pixels.
const SIZE: (u32, u32) = (1400, 1300);
const FONT: &str = "sans-serif";

/// One diagram.
struct Panel {
    title: &'static str,
    /// Whether values are drawn by their decimal logarithm.
    logarithmic: bool,
    /// Name, and points (step, value).
    curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// Draws `curves.png` and `curves.svg` into the folder of a run.
///
/// # Errors
/// If the logs cannot be read or the drawings written.
pub fn draw(run: &Path) -> Result<(), String> {
    static LETTERS: Once = Once::new();
    LETTERS.call_once(|| {
        let registered = register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
        assert!(registered.is_ok(), "an embedded font");
    });
    let panels = panels(run)?;
    let mut pixels = vec![0; (SIZE.0 * SIZE.1 * 3) as usize];
    layout(&BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area(), &panels)?;
    let mut png = Cursor::new(Vec::new());
    let image = RgbImage::from_raw(SIZE.0, SIZE.1, pixels).expect("a drawing of its size");
    image.write_to(&mut png, ImageFormat::Png).map_err(|error| format!("curves: {error}"))?;
    replace(&run.join("curves.png"), png.get_ref())?;

    let mut svg = String::new();
    layout(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), &panels)?;
    replace(&run.join("curves.svg"), svg.as_bytes())
}

fn panels(run: &Path) -> Result<Vec<Panel>, String> {
    let (steps, validation) = (steps_csv(run), validation_csv(run));
    let (columns, rows) = read(&steps)?;
    let column = |name: &str| -> Vec<(f64, f64)> {
        let Some(at) = columns.iter().position(|column| column == name) else { return Vec::new() };
        rows.iter().filter_map(|row| point(row, at)).collect()
    };
    let curve = |name: &str| (name.to_string(), column(name));
    let after_total = columns.iter().position(|column| column == "total").map_or(columns.len(), |at| at + 1);
    let terms = columns[after_total..].iter().map(|name| curve(name)).filter(|(_, points)| !points.is_empty());

    let (_, rows) = read(&validation)?;
    let measured = |at: usize| -> Vec<(String, Vec<(f64, f64)>)> {
        let mut groups: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for row in rows.iter().filter(|row| !row[1].starts_with("kind")) {
            groups.entry(row[1].clone()).or_default().extend(point(row, at));
        }
        groups.into_iter().filter(|(_, points)| !points.is_empty()).collect()
    };
    let panel = |title, logarithmic, curves| Panel { title, logarithmic, curves };
    Ok(vec![
        panel("loss", true, vec![curve("total")]),
        panel("loss terms, unweighted", true, terms.collect()),
        panel("learning rate", false, vec![curve("rate")]),
        panel("norm of the gradient", true, vec![curve("norm")]),
        panel("validation: PSNR in dB", false, measured(3)),
        panel("validation: SSIM", false, measured(4)),
    ])
}

/// The step and the value in a column of a row, if it has a finite one.
fn point(row: &[String], at: usize) -> Option<(f64, f64)> {
    let value: f64 = row[at].parse().ok()?;
    value.is_finite().then_some((row[0].parse().ok()?, value))
}

/// The header and the rows of a CSV file.
fn read(path: &Path) -> Result<(Vec<String>, Vec<Vec<String>>), String> {
    let failed = |error: csv::Error| format!("{}: {error}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    let texts = |record: &csv::StringRecord| record.iter().map(String::from).collect();
    let header = texts(reader.headers().map_err(failed)?);
    let rows = reader.records().map(|record| record.map(|record| texts(&record)).map_err(failed));
    Ok((header, rows.collect::<Result<_, _>>()?))
}

fn layout<B: DrawingBackend>(area: &DrawingArea<B, Shift>, panels: &[Panel]) -> Result<(), String> {
    let failed = |error: DrawingAreaErrorKind<B::ErrorType>| format!("curves: {error}");
    area.fill(&WHITE).map_err(failed)?;
    for (panel, area) in panels.iter().zip(area.split_evenly((3, 2))) {
        diagram(&area, panel).map_err(failed)?;
    }
    area.present().map_err(failed)
}

fn diagram<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    panel: &Panel,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let place = |value: f64| if panel.logarithmic { value.max(1e-12).log10() } else { value };
    let points = || panel.curves.iter().flat_map(|(_, points)| points);
    if points().next().is_none() {
        return Ok(());
    }
    let span = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let margin = if high > low { 0.05 * (high - low) } else { 0.05 * low.abs().max(0.1) };
        low - margin..high + margin
    };
    let steps = span(&mut points().map(|point| point.0));
    let values = span(&mut points().map(|point| place(point.1)));
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, (FONT, 20))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(64)
        .build_cartesian_2d(steps, values)?;
    let label = |&value: &f64| number(if panel.logarithmic { 10f64.powf(value) } else { value });
    chart
        .configure_mesh()
        .light_line_style(BLACK.mix(0.04))
        .bold_line_style(BLACK.mix(0.15))
        .label_style((FONT, 14))
        .y_label_formatter(&label)
        .x_label_formatter(&|&step: &f64| number(step.max(0.0)))
        .draw()?;
    for (index, (name, points)) in panel.curves.iter().enumerate() {
        let colour = Palette99::pick(index).stroke_width(2);
        let points = points.iter().map(|&(step, value)| (step, place(value)));
        let series = chart.draw_series(LineSeries::new(points, colour))?;
        series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
    }
    if panel.curves.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .label_font((FONT, 14))
            .background_style(WHITE.mix(0.8))
            .draw()?;
    }
    Ok(())
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size < 1e-2 => format!("{value:.1e}"),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}
