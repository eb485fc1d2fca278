//! One HTML file with the tables and the pictures side by side.

use crate::report::{Report, cell};
use base64::{Engine, prelude::BASE64_STANDARD};
use image::{RgbImage, codecs::jpeg::JpegEncoder};
use std::fmt::Write;

const QUALITY: u8 = 90;

const STYLE: &str = "body{font:14px system-ui,sans-serif;margin:24px;background:#fff;color:#222}\
table{border-collapse:collapse;margin:8px 0 24px}td,th{border:1px solid #ccc;padding:4px 8px;text-align:left}\
.row{display:flex;gap:8px;margin:8px 0 20px;overflow-x:auto}figure{margin:0}figcaption{font-size:12px;color:#555}\
img{display:block;max-width:none}";

/// The page; it refers to nothing outside itself.
///
/// # Errors
/// If a picture cannot be encoded.
pub fn html(report: &Report<'_>) -> Result<String, String> {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>inpaint-eval</title>\n<style>{STYLE}</style>\n\
         <h1>inpaint-eval</h1>\n<p>{}</p>\n",
        report.legend()
    );
    for table in report.tables() {
        let _ = write!(page, "<h2>{}</h2>\n<table><tr><th>holes<th>ratio", table.title());
        report.columns().iter().for_each(|name| page.push_str(&format!("<th>{}", escaped(name))));
        for (index, group) in report.groups.iter().enumerate().filter(|(_, group)| group.table == table) {
            let mean = report.mean(index);
            let _ = write!(page, "\n<tr><td>{}<td>{:.3}", group.name, mean.hole);
            mean.cells().for_each(|cell| page.push_str(&format!("<td>{cell}")));
        }
        page.push_str("\n</table>\n");
        for m in report.measured.iter().filter(|m| report.groups[m.group].table == table && !m.pictures.is_empty()) {
            let (group, crop) = (&report.groups[m.group].name, escaped(&report.crops[m.crop].name));
            let _ = writeln!(page, "<h3>{group}: {crop}, {:.1} % hole</h3>\n<div class=\"row\">", 100.0 * m.hole);
            let (first, last) = (("input".to_owned(), None), ("truth".to_owned(), None));
            let methods =
                report.methods.iter().zip(&m.scores).map(|(name, scores)| (escaped(name), Some(cell(scores))));
            let captions = [first].into_iter().chain(methods).chain([last]);
            for ((name, scores), picture) in captions.zip(&m.pictures) {
                let scores = scores.map(|scores| format!("<br>{scores}")).unwrap_or_default();
                let data = BASE64_STANDARD.encode(jpeg(picture)?);
                let _ = writeln!(
                    page,
                    "<figure><img alt=\"{name}\" src=\"data:image/jpeg;base64,{data}\">\
                     <figcaption>{name}{scores}</figcaption></figure>"
                );
            }
            page.push_str("</div>\n");
        }
    }
    Ok(page)
}

fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    picture.write_with_encoder(encoder).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
