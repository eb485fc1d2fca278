//! `inpaint-edge info`: a model and this CPU.

use inpaint_edge::weights::Prior;
use inpaint_edge::{Isa, Options, Result};

use crate::console::print;
use crate::engine::{open, weights_sha256};
use crate::free::{self, Free};
use crate::plan::Plan;
use crate::spec::InfoSpec;

/// Side of the photograph that the memory of a run is told for, pixels. Larger ones take hardly more.
const SIDE: usize = 4096;

pub fn run(spec: &InfoSpec) -> Result<()> {
    let options = Options::default().context(spec.context);
    let inpainter = open(spec.weights.as_deref(), options)?;
    let config = inpainter.config();
    let sha256 = weights_sha256(spec.weights.as_deref())?;
    let available: Vec<_> = Isa::available().map(Isa::name).collect();
    let prior = match config.prior() {
        Prior::Harmonic => "harmonic",
        _ => "none",
    };
    let most = config.plan_bytes(SIDE, SIDE)?;
    let channels: Vec<usize> = config.layers().iter().map(|l| l.c_out).collect();
    let plan = spec.size.map(|size| Plan::new(&inpainter, size, spec.hole)).transpose()?;
    let free = free::memory();
    if spec.json {
        let mut json = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "levels": config.levels(),
            "channels": channels,
            "parameters": config.parameters(),
            "prior": prior,
            "context": config.context(),
            "most_plan_bytes": most,
            "weights_sha256": sha256,
            "packed_bytes": inpainter.weights_bytes(),
            "isa": inpainter.isa().name(),
            "isa_available": available,
            "threads": inpainter.threads(),
            "memory_free": free.map(|free| free.bytes),
        });
        if let Some(plan) = plan {
            json["plan"] = plan.json();
        }
        return print(format!("{json}\n"));
    }
    let (encoder, decoder) = channels.split_at(config.levels());
    let list = |c: &[usize]| c.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "model     partial-convolution U-Net, {} levels, {} parameters, prior {prior}\n\
         encoder   {} channels\n\
         decoder   {} channels\n\
         context   {}\n\
         a run     {:.1} MB at most for {SIDE}×{SIDE} pixels\n\
         weights   sha256 {sha256}, {:.1} MB packed\n\
         cpu       {} (available: {}), {} threads\n",
        config.levels(),
        config.parameters(),
        list(encoder),
        list(decoder),
        config.context().map_or("all of the photograph".to_owned(), |pixels| format!("{pixels} px around a hole")),
        most as f64 / 1e6,
        inpainter.weights_bytes() as f64 / 1e6,
        inpainter.isa(),
        available.join(" "),
        inpainter.threads(),
    );
    if let Some(Free { bytes, place }) = free {
        text += &format!("memory    {:.1} MB free {place}\n", bytes as f64 / 1e6);
    }
    let plan = plan.map_or(String::new(), |plan| plan.text());
    print(text + &plan)
}
