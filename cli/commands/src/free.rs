//! Tells the memory that is free: less than the machine's if the process is in a control group.
//!
//! Own code, since it reads a handful of small files of Linux; `sysinfo` and `cgroups-rs` are far larger.

use std::path::Path;

/// Free memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    pub bytes: usize,
    /// Where it is free, for messages.
    pub place: &'static str,
}

const GROUP: &str = "in this memory cgroup";
const MACHINE: &str = "on this machine";

/// Free memory for this process; `None` if that cannot be told.
pub fn memory() -> Option<Free> {
    if cfg!(target_os = "linux") { memory_under(Path::new("/")) } else { None }
}

/// Memory that may be taken before the kernel ends a process: free memory, page cache that can be dropped, and swap.
/// `memory.high` does not count, since it slows a process down and ends none.
fn memory_under(root: &Path) -> Option<Free> {
    let machine = std::fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let machine = |name: &str| keyed(&machine, name)?.checked_mul(1024);
    let swap = machine("SwapFree:").unwrap_or(0);
    let of_machine = machine("MemAvailable:").map(|bytes| (bytes.saturating_add(swap), MACHINE));
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let groups = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        Some((controllers, Path::new(path.trim_start_matches('/'))))
    });
    let of_groups = groups.flat_map(|(controllers, path)| {
        let is_memory = controllers.split(',').any(|controller| controller == "memory");
        let mounts: &[&str] = match controllers {
            "" => &["sys/fs/cgroup", "sys/fs/cgroup/unified"],
            _ if is_memory => &["sys/fs/cgroup/memory"],
            _ => &[],
        };
        // Every group up to the mount may have a limit. In a container the path may be the host's, and only the mount
        // is there.
        let groups =
            mounts.iter().flat_map(move |mount| path.ancestors().map(move |group| root.join(mount).join(group)));
        groups.filter_map(
            move |group| {
                if is_memory { first_version(&group, swap) } else { second_version(&group, swap) }
            },
        )
    });
    let least = of_groups.map(|bytes| (bytes, GROUP)).chain(of_machine).min_by_key(|(bytes, _)| *bytes);
    least.map(|(bytes, place)| Free { bytes: bytes.try_into().unwrap_or(usize::MAX), place })
}

/// Free in a group of version 2, if it has a limit; `swap` bytes are free on the machine.
fn second_version(group: &Path, swap: u64) -> Option<u64> {
    let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let dropped = ["inactive_file", "active_file", "slab_reclaimable"].map(|name| keyed(&stat, name).unwrap_or(0));
    let held = number(group, "memory.current")?.saturating_sub(dropped.iter().sum());
    // "max" is no number.
    let swap_left = match number(group, "memory.swap.max") {
        Some(max) => max.saturating_sub(number(group, "memory.swap.current").unwrap_or(0)),
        None => u64::MAX,
    };
    Some(number(group, "memory.max")?.saturating_sub(held).saturating_add(swap_left.min(swap)))
}

/// As [`second_version`], of version 1.
fn first_version(group: &Path, swap: u64) -> Option<u64> {
    // Without a limit, the number is near the largest.
    let limit = number(group, "memory.limit_in_bytes").filter(|limit| *limit < 1 << 60)?;
    let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let dropped = ["total_inactive_file", "total_active_file"].map(|name| keyed(&stat, name).unwrap_or(0));
    let held = number(group, "memory.usage_in_bytes")?.saturating_sub(dropped.iter().sum());
    let swap_left = number(group, "memory.memsw.limit_in_bytes").map_or(u64::MAX, |both| both.saturating_sub(limit));
    Some(limit.saturating_sub(held).saturating_add(swap_left.min(swap)))
}

/// A file that holds one number.
fn number(group: &Path, name: &str) -> Option<u64> {
    std::fs::read_to_string(group.join(name)).ok()?.trim().parse().ok()
}

/// The number after `name` at the start of a line.
fn keyed(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_whitespace);
    lines.find_map(|mut words| (words.next()? == name).then(|| words.next()?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    6000 kB\nSwapFree:  500 kB\n";

    fn free(files: &[(&str, &str)]) -> Option<(usize, &'static str)> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        memory_under(root.path()).map(|free| (free.bytes, free.place))
    }

    #[test]
    fn without_groups_the_machine_is_the_limit() {
        assert_eq!(free(&[("proc/meminfo", MEMINFO)]), Some((6500 << 10, MACHINE)));
        assert_eq!(free(&[]), None);
        let unlimited = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "4:memory:/a\n0::/a\nwhat\n"),
            ("sys/fs/cgroup/a/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.current", "1\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1\n"),
        ];
        assert_eq!(free(&unlimited), Some((6500 << 10, MACHINE)));
    }

    #[test]
    fn the_tightest_group_of_version_2_is_the_limit() {
        let mut files = vec![
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/a/b c/d\n"),
            ("sys/fs/cgroup/a/memory.max", "1000000\n"),
            ("sys/fs/cgroup/a/memory.current", "400000\n"),
            ("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 100000\nactive_file 50000\nslab_reclaimable 7\n"),
            ("sys/fs/cgroup/a/memory.swap.max", "0\n"),
            ("sys/fs/cgroup/a/b c/memory.max", "5000000\n"),
            ("sys/fs/cgroup/a/b c/memory.current", "0\n"),
            // It slows a process down and ends none.
            ("sys/fs/cgroup/a/b c/d/memory.high", "10\n"),
            ("sys/fs/cgroup/a/b c/d/memory.max", "max\n"),
            ("sys/fs/cgroup/a/b c/d/memory.current", "9\n"),
        ];
        assert_eq!(free(&files), Some((750_007, GROUP)));
        files[5].1 = "max\n";
        assert_eq!(free(&files), Some((750_007 + (500 << 10), GROUP)));
        files[5].1 = "1000\n";
        files.push(("sys/fs/cgroup/a/memory.swap.current", "400\n"));
        assert_eq!(free(&files), Some((750_607, GROUP)));
        // More in use than allowed.
        files[3].1 = "99000000\n";
        assert_eq!(free(&files), Some((600, GROUP)));
        // The group of a container, whose path is the host's.
        let container = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/kubepods/x\n"),
            ("sys/fs/cgroup/memory.max", "2000\n"),
            ("sys/fs/cgroup/memory.current", "500\n"),
            ("sys/fs/cgroup/memory.swap.max", "0\n"),
        ];
        assert_eq!(free(&container), Some((1500, GROUP)));
    }

    #[test]
    fn a_group_of_version_1_is_the_limit() {
        let mut files = vec![
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/docker/1\n0::/\n"),
            ("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "1000000\n"),
            ("sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes", "300000\n"),
            (
                "sys/fs/cgroup/memory/docker/1/memory.stat",
                "inactive_file 1\ntotal_inactive_file 100000\ntotal_active_file 0\n",
            ),
            ("sys/fs/cgroup/memory/docker/1/memory.memsw.limit_in_bytes", "1000000\n"),
        ];
        assert_eq!(free(&files), Some((800_000, GROUP)));
        files.pop();
        assert_eq!(free(&files), Some((800_000 + (500 << 10), GROUP)));
        files[1].1 = "5:cpu,cpuacct:/\n";
        assert_eq!(free(&files), Some((6500 << 10, MACHINE)));
    }
}
