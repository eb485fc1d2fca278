//! `inpaint-edge-web-bindgen IN.wasm FOLDER` writes an ES module, its types and the module's WebAssembly into FOLDER.

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let [input, folder] = <[String; 2]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
        .ok()
        .context("usage: inpaint-edge-web-bindgen IN.wasm FOLDER")?;
    Bindgen::new()
        .input_path(input)
        .out_name("engine")
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)
}
