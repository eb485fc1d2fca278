//! The numbers as CSV (a line a crop and method), JSON and Markdown (means of groups).

use crate::{
    cases::{Crop, Group, Table},
    run::Measured,
    scores::Scores,
};
use serde_json::{Value, json};
use std::fmt::Write;

/// Results and what they are results of.
pub struct Report<'a> {
    /// See [`Measured::crop`].
    pub crops: &'a [Crop],
    /// See [`Measured::group`].
    pub groups: &'a [Group],
    /// Names of the methods.
    pub methods: Vec<String>,
    /// What was measured.
    pub measured: &'a [Measured],
}

/// Means over the crops of a group.
pub struct Mean {
    /// Hole ratio.
    pub hole: f64,
    /// By method.
    pub scores: Vec<Scores>,
}

impl Report<'_> {
    /// The means of a group.
    pub fn mean(&self, group: usize) -> Mean {
        let of: Vec<&Measured> = self.measured.iter().filter(|m| m.group == group).collect();
        let scores = |method: usize| of.iter().map(|m| m.scores[method]).collect::<Vec<_>>();
        Mean {
            hole: of.iter().map(|m| m.hole).sum::<f64>() / of.len() as f64,
            scores: (0..self.methods.len()).map(|method| Scores::mean(&scores(method))).collect(),
        }
    }

    /// What the numbers of a cell are.
    pub fn legend(&self) -> String {
        let vgg = self.measured.iter().any(|m| m.scores.iter().any(|s| s.vgg.is_some()));
        let wide = self.groups.iter().any(|group| group.table.hole_alone());
        format!(
            "Means over {} crops: PSNR in dB / SSIM / L1 in the hole{} / gradient energy in the hole over the truth's.{}",
            self.crops.len(),
            if vgg { " / VGG feature distance / Gram error in the hole" } else { "" },
            if wide { " Of wide holes, all is in the hole." } else { "" }
        )
    }

    /// Columns: group, crop, hole ratio, method, PSNR, SSIM, L1, VGG, Gram error, gradient energy.
    pub fn csv(&self) -> String {
        let mut text = String::from("group,crop,hole,method,psnr,ssim,l1_hole,vgg,gram,energy\n");
        for m in self.measured {
            for (method, s) in self.methods.iter().zip(&m.scores) {
                let (group, crop) = (&self.groups[m.group].name, &self.crops[m.crop].name);
                let [vgg, gram] = [s.vgg, s.gram].map(|v| v.map(|v| format!("{v:.6}")).unwrap_or_default());
                let _ = writeln!(
                    text,
                    "{group},{crop},{:.6},{method},{:.4},{:.6},{:.6},{vgg},{gram},{:.6}",
                    m.hole, s.psnr, s.ssim, s.l1, s.energy
                );
            }
        }
        text
    }

    /// An object a group, with the scores by method.
    pub fn json(&self) -> Value {
        let group = |(index, group): (usize, &Group)| {
            let mean = self.mean(index);
            let methods: serde_json::Map<String, Value> = self
                .methods
                .iter()
                .zip(&mean.scores)
                .map(|(name, s)| {
                    let scores = json!({
                        "psnr": s.psnr, "ssim": s.ssim, "l1_hole": s.l1, "vgg": s.vgg, "gram": s.gram, "energy": s.energy,
                    });
                    (name.clone(), scores)
                })
                .collect();
            json!({
                "table": group.table.title(), "group": group.name, "crops": self.crops.len(), "hole": mean.hole,
                "methods": methods,
            })
        };
        Value::Array(self.groups.iter().enumerate().map(group).collect())
    }

    /// The tables that have groups.
    pub fn tables(&self) -> impl Iterator<Item = Table> {
        Table::ALL.into_iter().filter(|table| self.groups.iter().any(|group| group.table == *table))
    }

    /// A section a table: a line a group, a column a method.
    pub fn markdown(&self) -> String {
        let mut text = self.legend() + "\n";
        for table in self.tables() {
            let _ = write!(text, "\n## {}\n\n| holes | ratio |", table.title());
            let columns = self.columns();
            columns.iter().for_each(|name| text.push_str(&format!(" {name} |")));
            let _ = write!(text, "\n|---|---|{}\n", "---|".repeat(columns.len()));
            for (index, group) in self.groups.iter().enumerate().filter(|(_, group)| group.table == table) {
                let mean = self.mean(index);
                let _ = write!(text, "| {} | {:.3} |", group.name, mean.hole);
                mean.cells().for_each(|cell| text.push_str(&format!(" {cell} |")));
                text.push('\n');
            }
        }
        text
    }

    /// Heads of the columns of a table: the methods, and [`Mean::margin`].
    pub fn columns(&self) -> Vec<String> {
        let margin = format!("{} beside the best of the others", self.methods[0]);
        self.methods.iter().cloned().chain((self.methods.len() > 1).then_some(margin)).collect()
    }
}

impl Mean {
    /// What stands below [`Report::columns`].
    pub fn cells(&self) -> impl Iterator<Item = String> {
        self.scores.iter().map(cell).chain(self.margin())
    }

    /// Score by score, what the first method has over the best of the others: PSNR and SSIM as differences, L1, VGG and Gram
    /// error in percent of theirs. Gradient energy has no best.
    pub fn margin(&self) -> Option<String> {
        let (first, others) = self.scores.split_first().filter(|(_, others)| !others.is_empty())?;
        let best = |value: fn(&Scores) -> f64, better: fn(f64, f64) -> f64| others.iter().map(value).reduce(better);
        let percent = |value: fn(&Scores) -> f64| Some(100.0 * (value(first) / best(value, f64::min)? - 1.0));
        let psnr = first.psnr - best(|s| s.psnr, f64::max)?;
        let ssim = first.ssim - best(|s| s.ssim, f64::max)?;
        let l1 = percent(|s| s.l1)?;
        let some =
            |score: Option<f64>| score.filter(|v| !v.is_nan()).map(|v| format!(" / {v:+.1} %")).unwrap_or_default();
        let vgg = some(percent(|s| s.vgg.unwrap_or(f64::NAN)));
        let gram = some(percent(|s| s.gram.unwrap_or(f64::NAN)));
        Some(format!("{psnr:+.2} / {ssim:+.4} / {l1:+.1} %{vgg}{gram}"))
    }
}

/// The scores in a cell of a table.
pub fn cell(s: &Scores) -> String {
    let some = |score: Option<f64>| score.map(|v| format!(" / {v:.3}")).unwrap_or_default();
    format!("{:.2} / {:.4} / {:.4}{}{} / {:.3}", s.psnr, s.ssim, s.l1, some(s.vgg), some(s.gram), s.energy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_to_the_best_of_each_score() {
        let scores = |psnr, ssim, l1, vgg, gram| Scores { psnr, ssim, l1, vgg, gram, energy: 0.5 };
        let others = [scores(30.0, 0.90, 0.10, Some(0.5), Some(0.2)), scores(29.0, 0.95, 0.08, Some(0.4), Some(0.8))];
        let mean = |first| Mean { hole: 0.1, scores: [first].into_iter().chain(others).collect() };
        let margin = |first| mean(first).margin().unwrap();
        let better = scores(30.5, 0.94, 0.06, Some(0.3), Some(0.3));
        assert_eq!(margin(better), "+0.50 / -0.0100 / -25.0 % / -25.0 % / +50.0 %");
        assert_eq!(margin(scores(29.5, 0.96, 0.12, None, None)), "-0.50 / +0.0100 / +50.0 %");
        assert_eq!(Mean { hole: 0.1, scores: others[..1].to_vec() }.margin(), None);
    }

    #[test]
    fn cells_leave_out_what_was_not_measured() {
        let scores = Scores { psnr: 30.0, ssim: 0.9, l1: 0.05, vgg: Some(0.5), gram: Some(0.25), energy: 0.125 };
        assert_eq!(cell(&scores), "30.00 / 0.9000 / 0.0500 / 0.500 / 0.250 / 0.125");
        assert_eq!(cell(&Scores { vgg: None, gram: None, ..scores }), "30.00 / 0.9000 / 0.0500 / 0.125");
    }
}
