//! Finds syntax errors before the first caller does. Runs Node's compiler, none of the function.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::{Surveyed, Workshop};
use crate::error::Error;

/// Files looked at in one deploy; more are left to the first call.
const FILES_MAX: usize = 2_000;
const BYTES_MAX_TO_NOTICE: usize = 10;

#[derive(Deserialize)]
struct Problem {
    file: String,
    message: String,
}

/// An error in the main file refuses the package; errors elsewhere become notices.
pub(super) fn check(
    workshop: &Workshop,
    node: &Path,
    name: &str,
    surveyed: &Surveyed,
    tree: &Path,
) -> Result<Vec<String>, Error> {
    let end = if surveyed.manifest.is_module() { ".cjs" } else { "js" };
    let is_script = |path: &str| {
        path.ends_with(end) && !path.ends_with(".mjs") && !path.contains("node_modules/")
    };
    let files: Vec<&str> = surveyed
        .items
        .iter()
        .filter(|item| item.is_regular_file() && is_script(&item.path))
        .filter(|item| item.path.ends_with(".js") || item.path.ends_with(".cjs"))
        .map(|item| item.path.as_str())
        .take(FILES_MAX)
        .collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let problems = ask_node(workshop, node, tree, &files)?;
    if let Some(problem) = problems.iter().find(|problem| problem.file == surveyed.main) {
        return Err(Error::MendPackage(format!(
            "Function \"{name}\" has a syntax error: {}. / 云函数“{name}”存在语法错误:{}。",
            problem.message, problem.message
        )));
    }
    Ok(problems
        .iter()
        .take(BYTES_MAX_TO_NOTICE)
        .map(|problem| {
            format!(
                "Function \"{name}\": a syntax error in a file beside the main one: {}. / \
                 云函数“{name}”的文件存在语法错误:{}。",
                problem.message, problem.message
            )
        })
        .collect())
}

fn ask_node(
    workshop: &Workshop,
    node: &Path,
    tree: &Path,
    files: &[&str],
) -> Result<Vec<Problem>, Error> {
    let failed = |why: String| {
        Error::MendSetup(format!(
            "Node.js could not check the code: {why}. / 无法用 Node.js 检查代码:{why}。"
        ))
    };
    let mut child = Command::new(node)
        .arg(workshop.runtime.join("check.js"))
        .arg(tree)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let list = serde_json::to_vec(files).map_err(|error| failed(error.to_string()))?;
    let mut input = child.stdin.take().expect("standard input was asked for");
    input.write_all(&list).map_err(|error| failed(error.to_string()))?;
    drop(input);
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
