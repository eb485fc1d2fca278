//! Whole runs of the program: killed, stopped, resumed, diverged, on any number of threads.

use image::{Rgb, RgbImage};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

const CONFIG: &str = r#"steps = 12
[arch]
levels = 2
width = 4
prior = "harmonic"
[[crops]]
until = 8
size = 16
batch = 2
[[crops]]
size = 24
batch = 2
[optimizer]
warm_up = 3
[second_phase]
from = 10
rate = 0.5
[report]
steps = 2
checkpoint_minutes = 0
"#;

/// A folder with photographs, a configuration and a place for a run.
struct Place(tempfile::TempDir);

impl Place {
    fn new(config: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let photos = root.path().join("photos");
        fs::create_dir(&photos).unwrap();
        for i in 0..3u32 {
            let wave = |x: u32, y: u32, k: u32| (127.0 + 120.0 * ((x * k + y * (i + 1)) as f32 / 9.0).sin()) as u8;
            let photo = RgbImage::from_fn(48, 40, |x, y| Rgb([wave(x, y, 1), wave(x, y, 2), wave(x, y, 3)]));
            photo.save(photos.join(format!("{i}.png"))).unwrap();
        }
        let place = Self(root);
        place.configure(config);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn configure(&self, config: &str) {
        let config = config.replace("PHOTOS", self.path("photos").to_str().unwrap());
        fs::write(self.path("config.toml"), config).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inpaint-train"));
        command.arg("fit").arg("--data").arg(self.path("photos")).arg("--config").arg(self.path("config.toml"));
        command.arg("--out").arg(self.path("model.safetensors"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn run(&self) -> Output {
        self.command().output().unwrap()
    }

    fn start(&self) -> Child {
        self.command().stderr(Stdio::null()).spawn().unwrap()
    }

    fn weights(&self) -> Vec<u8> {
        fs::read(self.path("model.safetensors")).unwrap()
    }

    fn checkpoint(&self) -> PathBuf {
        self.path("model.run/checkpoint.safetensors")
    }
}

fn finished(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The weights of a run that nothing interrupts.
fn undisturbed(config: &str) -> Vec<u8> {
    let place = Place::new(config);
    finished(&place.run());
    place.weights()
}

/// Rows of a CSV file, all as long as its header.
fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().iter().map(String::from).collect();
    let rows = reader.records().map(|record| record.unwrap().iter().map(String::from).collect());
    (header, rows.collect())
}

#[test]
fn a_killed_run_ends_with_the_same_bytes() {
    let expected = undisturbed(CONFIG);
    let place = Place::new(CONFIG);
    let mut kills = 0;
    // Times that grow by an irrational factor fall on any part of a step, the writing of a checkpoint included.
    let mut patience = 0.001;
    while !place.path("model.safetensors").exists() {
        let mut child = place.start();
        let until = Instant::now() + Duration::from_secs_f64(patience);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        kills += u32::from(!child.wait().unwrap().success());
        patience *= std::f64::consts::SQRT_2;
    }
    assert!(kills >= 3, "{kills} kills");
    assert!(place.weights() == expected);
    let (_, rows) = table(&place.path("model.run/steps.csv"));
    let steps: Vec<_> = rows.iter().map(|row| row[0].parse::<u64>().unwrap()).collect();
    assert_eq!(steps.last(), Some(&12));
    assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
}

#[test]
fn a_stopped_run_is_saved_and_goes_on() {
    // So long that it cannot end before it is stopped.
    let config =
        CONFIG.replace("checkpoint_minutes = 0", "checkpoint_minutes = 60").replace("steps = 12", "steps = 600");
    let expected = undisturbed(&config);
    let place = Place::new(&config);
    let child = place.start();
    while fs::read_to_string(place.path("model.run/steps.csv")).map_or(0, |text| text.lines().count()) < 2 {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!place.checkpoint().exists());
    // As `timeout` does: to the process, and to its group.
    signal(&child);
    signal(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(128 + 15));
    assert!(place.checkpoint().exists() && !place.path("model.safetensors").exists());
    finished(&place.run());
    assert!(place.weights() == expected);
}

fn signal(child: &Child) {
    let id = child.id().to_string();
    // Of a process that has ended meanwhile, the shell says so on stderr.
    Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status().unwrap();
}

#[test]
fn a_later_signal_ends_at_once() {
    // Steps that take longer than the test waits.
    let config =
        CONFIG.replace("size = 16", "size = 256").replace("batch = 2", "batch = 32").replace("width = 4", "width = 64");
    let place = Place::new(&config);
    let child = place.start();
    let start = Instant::now();
    thread::sleep(Duration::from_millis(500));
    signal(&child);
    thread::sleep(Duration::from_millis(1100));
    signal(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(128 + 15));
    assert!(!place.checkpoint().exists(), "ended in the midst of its first step, after {:?}", start.elapsed());
}

#[test]
fn threads_change_nothing() {
    let on = |net, data| undisturbed(&format!("{CONFIG}[threads]\nnet = {net}\ndata = {data}\n"));
    let expected = on(1, 1);
    assert!(on(2, 3) == expected);
    assert!(on(3, 2) == expected);
    assert!(undisturbed(&format!("seed = 2\n{CONFIG}")) != expected);
}

#[test]
fn divergence_stops_with_step_and_tensor() {
    let place = Place::new(&CONFIG.replace("warm_up = 3", "warm_up = 0\nrate = 1e30\ndecay = 0"));
    let output = place.run();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    let last = error.lines().last().unwrap();
    assert!(last.starts_with("Error: step "), "{last}");
    assert!(["enc", "dec"].iter().any(|layer| last.contains(&format!("`{layer}"))), "{last}");
    assert!(!place.path("model.safetensors").exists());
    let kept = fs::read(place.checkpoint()).unwrap();
    let again = place.run();
    assert_eq!(again.status.code(), Some(1));
    assert!(fs::read(place.checkpoint()).unwrap() == kept, "the last good checkpoint");
}

#[test]
fn another_configuration_is_refused() {
    let place = Place::new(CONFIG);
    finished(&place.run());
    place.configure(&CONFIG.replace("warm_up = 3", "warm_up = 4"));
    let output = place.run();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    let expected = "checkpoint.safetensors: made with another configuration: `optimizer.warm_up` is 4, was 3\n";
    assert!(error.ends_with(expected), "{error}");
    place.configure(CONFIG);
    fs::remove_file(place.path("photos/1.png")).unwrap();
    let error = place.run().stderr;
    assert!(String::from_utf8_lossy(&error).contains("made with other photographs"));
}

#[test]
fn other_weights_of_vgg16_are_refused() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/vgg16-conv1-3.f16.safetensors");
    let place = Place::new(CONFIG);
    let vgg = place.path("vgg.safetensors");
    let mut bytes = fs::read(shipped).unwrap();
    fs::write(&vgg, &bytes).unwrap();
    place.configure(&format!("{CONFIG}[loss.vgg]\nweights = \"{}\"\ncrop = 8\nperceptual = 0.5\n", vgg.display()));
    finished(&place.run());
    assert!(place.weights().windows(12).any(|text| text == b".vgg_sha256\""));
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&vgg, &bytes).unwrap();
    let output = place.run();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("made with other weights of VGG16"), "{error}");
}

#[test]
fn photographs_held_out_train_nothing() {
    let validation = "[validation]\nevery = 6\nsize = 32\nimages = 8\nbuckets = [0.1, 0.2]\n";
    let held_out = format!("hold_out = 2\n{CONFIG}{validation}");
    let place = Place::new(&held_out);
    finished(&place.run());
    let (_, rows) = table(&place.path("model.run/validation.csv"));
    assert_eq!(rows.iter().filter(|row| row[1] == "all").count(), 3);
    // Of three photographs the first and the last are held out.
    let alone = Place::new(CONFIG);
    for name in ["0.png", "2.png"] {
        fs::remove_file(alone.path("photos").join(name)).unwrap();
    }
    finished(&alone.run());
    let tensors = |bytes: &[u8]| bytes[8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize..].to_vec();
    assert!(tensors(&place.weights()) == tensors(&alone.weights()));

    place.configure(&format!("{CONFIG}{validation}"));
    let error = String::from_utf8(place.run().stderr).unwrap();
    assert!(error.contains("validation: expected its own `data`, or photographs kept by `hold_out`"), "{error}");
}

#[test]
fn a_run_starts_from_the_weights_of_another() {
    let first = Place::new(CONFIG);
    finished(&first.run());
    let unfolded = first.path("unfolded.safetensors");
    let export = |dtype: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inpaint-train"));
        command.arg("export").arg("--checkpoint").arg(first.checkpoint()).arg("--out").arg(&unfolded);
        finished(&command.args(["--unfolded", "--dtype", dtype]).output().unwrap());
    };
    // Without a step to take but one of rate nearly 0, the weights stay what they were.
    let still = CONFIG.replace("steps = 12", "steps = 1").replace("warm_up = 3", "warm_up = 0\nrate = 1e-30");
    let from = |file: &Path| {
        let place = Place::new(&format!("start = {file:?}\n{still}"));
        finished(&place.run());
        place.weights()
    };
    let floats = |bytes: &[u8]| -> Vec<f32> {
        let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
        let mut tensors = file.tensors();
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        let weights = tensors.iter().filter(|(name, _)| name == "enc1.weight" || name == "dec1.weight");
        weights.flat_map(|(_, view)| view.data().as_chunks().0).map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let expected = floats(&first.weights());
    export("f32");
    assert_eq!(floats(&from(&unfolded)), expected);
    assert_eq!(floats(&from(&first.checkpoint())), expected);
    export("f16");
    let rounded = floats(&from(&unfolded));
    assert!(rounded != expected);
    assert!(rounded.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-3 * b.abs() + 1e-6));

    let place = Place::new(&format!("start = {unfolded:?}\n{}", still.replace("width = 4", "width = 6")));
    let error = String::from_utf8(place.run().stderr).unwrap();
    assert!(error.contains("unfolded.safetensors: tensor `ema.enc1.weight`: expected F32 or F16"), "{error}");
}

#[test]
fn a_run_leaves_logs_pictures_and_weights() {
    let validation = "[validation]\ndata = \"PHOTOS\"\nevery = 5\nsize = 32\nimages = 18\nbuckets = [0.1, 0.2, 0.4]\n";
    let config = format!("{CONFIG}{validation}");
    let place = Place::new(&config);
    finished(&place.run());
    // Looking does not touch.
    assert!(place.weights() == undisturbed(CONFIG));

    let (header, rows) = table(&place.path("model.run/steps.csv"));
    assert_eq!(header[..3], ["step", "images", "seconds"]);
    assert_eq!(header[9..], ["total", "hole", "valid", "gradient"]);
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().flatten().all(|cell| cell.parse::<f64>().is_ok_and(f64::is_finite)), "{rows:?}");
    assert_eq!(rows[5][1], "24");

    let (header, rows) = table(&place.path("model.run/validation.csv"));
    assert_eq!(header, ["step", "group", "crops", "psnr", "ssim", "l1_hole"]);
    let groups: Vec<_> = rows.iter().filter(|row| row[0] == "12").map(|row| (&row[1][..], &row[2][..])).collect();
    assert_eq!(groups[..3], [("all", "18"), ("hole 0.1-0.2", "10"), ("hole 0.2-0.4", "8")]);
    assert_eq!(groups[3], ("kind walk", "3"));
    // Before the first step the prior alone is measured.
    let measured: Vec<_> = rows.iter().filter(|row| row[1] == "all").map(|row| &row[0][..]).collect();
    assert_eq!((groups.len(), rows.len(), &measured[..]), (11, 44, &["0", "5", "10", "12"][..]));

    for (name, size) in [("grid.png", (6 * 36 + 4, 6 * 36 + 4)), ("curves.png", (1400, 1300))] {
        let picture = image::open(place.path("model.run").join(name)).unwrap();
        assert_eq!((picture.width(), picture.height()), size, "{name}");
    }
    let svg = fs::read_to_string(place.path("model.run/curves.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("validation: PSNR in dB") && svg.contains("hole 0.1-0.2"));
    let names: Vec<_> = fs::read_dir(place.path("model.run")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_str().unwrap().ends_with(".tmp")), "{names:?}");

    let exported = place.path("exported.safetensors");
    let export = |dtype: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inpaint-train"));
        command.arg("export").arg("--checkpoint").arg(place.checkpoint()).arg("--out").arg(&exported);
        finished(&command.args(["--dtype", dtype]).output().unwrap());
        fs::read(&exported).unwrap()
    };
    assert!(export("f32") == place.weights());
    assert!(export("f16").len() < place.weights().len() * 2 / 3);
    for weights in [place.weights(), fs::read(&exported).unwrap()] {
        inpaint_edge::Inpainter::from_bytes(&weights, inpaint_edge::Options::default()).unwrap();
    }
    let weights = place.weights();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&weights).unwrap();
    let metadata = metadata.metadata().as_ref().unwrap();
    let digest = inpaint_train::config::Config::load(&place.path("config.toml")).unwrap().digest();
    assert_eq!(metadata["provenance.config_sha256"], digest);
    assert_eq!((&metadata["provenance.steps"][..], &metadata["provenance.images"][..]), ("12", "24"));
}

/// A new file is for whom the umask leaves it; a symbolic link goes on leading to the file that is replaced.
#[cfg(unix)]
#[test]
fn results_follow_umask_modes_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new(CONFIG);
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    let kept = place.path("kept.safetensors");
    fs::write(&kept, "as it was").unwrap();
    fs::set_permissions(&kept, PermissionsExt::from_mode(0o604)).unwrap();
    symlink("kept.safetensors", place.path("model.safetensors")).unwrap();
    let fit = place.command();
    let mut masked = Command::new("sh");
    masked.args(["-c", r#"umask 027 && exec "$0" "$@""#]).arg(fit.get_program()).args(fit.get_args());
    finished(&masked.stdin(Stdio::null()).stdout(Stdio::null()).output().unwrap());
    assert_eq!(fs::read_link(place.path("model.safetensors")).unwrap(), Path::new("kept.safetensors"));
    assert!(place.weights() == undisturbed(CONFIG));
    assert_eq!(mode(&kept), 0o604);
    for file in ["checkpoint.safetensors", "steps.csv", "curves.svg", "grid.png"] {
        let path = place.path("model.run").join(file);
        assert_eq!(mode(&path), 0o640, "{file}");
    }
}
