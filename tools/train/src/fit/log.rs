//! What a run tells while it goes: a bar or lines on stderr, and two CSV files.

use super::validate::Row;
use crate::{checkpoint::replace, config::Config, net::LossReport};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

/// The columns of the steps' log before those of the loss terms.
const STEP: [&str; 10] =
    ["step", "images", "seconds", "size", "batch", "rate", "norm", "images_per_second", "waiting", "total"];
/// The columns of the validations' log.
const VALIDATION: [&str; 6] = ["step", "group", "crops", "psnr", "ssim", "l1_hole"];

/// One step in numbers.
pub struct Step<'a> {
    /// Steps done, this one included.
    pub step: u64,
    /// Crops seen.
    pub images: u64,
    /// Wall-clock seconds of the run.
    pub seconds: f64,
    /// Side of the crops.
    pub size: usize,
    /// Number of crops.
    pub batch: usize,
    /// The learning rate.
    pub rate: f64,
    /// The gradient's norm before it is clipped.
    pub norm: f64,
    /// The losses.
    pub report: &'a LossReport,
    /// How long the step took, waiting included.
    pub took: Duration,
    /// How long it waited for its batch.
    pub waited: Duration,
}

/// Sums over the steps since the last line.
#[derive(Default)]
struct Sums {
    steps: u64,
    images: u64,
    seconds: f64,
    waited: f64,
    norm: f64,
    total: f64,
    /// By column: the sum and the number of steps that had the term.
    terms: Vec<(f64, u64)>,
}

/// The log of a run.
pub struct Log {
    config: Config,
    terms: Vec<&'static str>,
    steps: csv::Writer<File>,
    validations: csv::Writer<File>,
    bar: ProgressBar,
    sums: Sums,
}

impl Log {
    /// Goes on with the logs in a folder after `step`; what an interrupted run has written beyond it is dropped.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn open(run: &Path, config: &Config, terms: &[&'static str], step: u64) -> Result<Self, String> {
        let columns: Vec<_> = STEP.iter().chain(terms).copied().collect();
        let bar = ProgressBar::new(config.steps).with_position(step);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}");
        bar.set_style(style.map_err(|error| error.to_string())?);
        Ok(Self {
            config: config.clone(),
            terms: terms.to_vec(),
            steps: reopen(&steps_csv(run), &columns, step)?,
            validations: reopen(&validation_csv(run), &VALIDATION, step)?,
            bar,
            sums: Sums::default(),
        })
    }

    /// Takes in a step; every so many make a line.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub fn step(&mut self, step: &Step) -> Result<(), String> {
        let sums = &mut self.sums;
        sums.steps += 1;
        sums.images += step.batch as u64;
        sums.seconds += step.took.as_secs_f64();
        sums.waited += step.waited.as_secs_f64();
        sums.norm += step.norm;
        sums.total += f64::from(step.report.total);
        sums.terms.resize(self.terms.len(), (0.0, 0));
        for (name, value) in &step.report.terms {
            let column = self.terms.iter().position(|term| term == name).expect("a term with a column");
            sums.terms[column].0 += f64::from(*value);
            sums.terms[column].1 += 1;
        }
        if step.step.is_multiple_of(self.config.report.steps) || step.step == self.config.steps {
            self.line(step)?;
            self.sums = Sums::default();
        }
        self.bar.set_position(step.step);
        Ok(())
    }

    fn line(&mut self, step: &Step) -> Result<(), String> {
        let sums = &self.sums;
        let mean = |sum: f64| sum / sums.steps as f64;
        let speed = sums.images as f64 / sums.seconds;
        let terms: Vec<_> =
            sums.terms.iter().map(|&(sum, n)| if n == 0 { None } else { Some(sum / n as f64) }).collect();

        let mut record = vec![
            step.step.to_string(),
            step.images.to_string(),
            format!("{:.1}", step.seconds),
            step.size.to_string(),
            step.batch.to_string(),
            format!("{:.4e}", step.rate),
            format!("{:.5}", mean(sums.norm)),
            format!("{speed:.2}"),
            format!("{:.4}", sums.waited / sums.seconds),
            format!("{:.6}", mean(sums.total)),
        ];
        record.extend(terms.iter().map(|term| term.map_or(String::new(), |value| format!("{value:.6}"))));
        write(&mut self.steps, &record)?;

        let pixels = (step.size * step.size) as f64 * speed;
        let left = self.config.pixels(step.step) as f64 / pixels;
        let named = self.terms.iter().zip(&terms);
        let named = named.filter_map(|(name, term)| term.map(|value| format!("{name} {value:.4}")));
        let line = format!(
            "loss {:.4} ({})  rate {:.2e}  norm {:.3}  {speed:.1} img/s  {} left",
            mean(sums.total),
            named.collect::<Vec<_>>().join(", "),
            step.rate,
            mean(sums.norm),
            clock(left),
        );
        if self.bar.is_hidden() {
            eprintln!("step {}/{}  {line}", step.step, self.config.steps);
        } else {
            self.bar.set_message(line);
        }
        Ok(())
    }

    /// Writes the rows of a validation after `step` steps.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn validation(&mut self, step: u64, rows: &[Row]) -> Result<(), String> {
        for row in rows {
            let Row { group, crops, psnr, ssim, l1_hole } = row;
            let numbers = [format!("{psnr:.4}"), format!("{ssim:.5}"), format!("{l1_hole:.5}")];
            let record = [step.to_string(), group.clone(), crops.to_string()].into_iter().chain(numbers);
            write(&mut self.validations, &record.collect::<Vec<_>>())?;
        }
        let hole = rows.iter().filter(|row| !row.group.starts_with("kind"));
        let hole: Vec<_> = hole.map(|row| format!("{} {:.2} / {:.4}", row.group, row.psnr, row.ssim)).collect();
        self.say(&format!("step {step}  validation, PSNR / SSIM:  {}", hole.join("  ")));
        Ok(())
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

/// The log of the steps of a run.
pub fn steps_csv(run: &Path) -> PathBuf {
    run.join("steps.csv")
}

/// The log of the validations of a run.
pub fn validation_csv(run: &Path) -> PathBuf {
    run.join("validation.csv")
}

fn write(writer: &mut csv::Writer<File>, record: &[String]) -> Result<(), String> {
    writer.write_record(record).and_then(|()| Ok(writer.flush()?)).map_err(|error| format!("log: {error}"))
}

/// A log to be continued after `step`, with whole lines up to there and with its header.
fn reopen(path: &Path, columns: &[&str], step: u64) -> Result<csv::Writer<File>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut kept = csv::Writer::from_writer(Vec::new());
    kept.write_record(columns).map_err(|error| failed(&error))?;
    if step > 0 && path.exists() {
        let text = fs::read(path).map_err(|error| failed(&error))?;
        // The last line may be torn.
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&text[..whole]);
        for record in reader.records().map_while(Result::ok) {
            let within = record.get(0).and_then(|text| text.parse().ok()).is_some_and(|at: u64| at <= step);
            if within && record.len() == columns.len() {
                kept.write_record(&record).map_err(|error| failed(&error))?;
            }
        }
    }
    replace(path, &kept.into_inner().map_err(|error| failed(&error))?)?;
    let file = OpenOptions::new().append(true).open(path).map_err(|error| failed(&error))?;
    Ok(csv::Writer::from_writer(file))
}

fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
