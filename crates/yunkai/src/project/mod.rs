//! A project folder as its developer laid it out: WeChat DevTools' way or the CloudBase CLI's,
//! with `yunkai.json` beside.

mod json;
mod layout;
mod manifest;

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use platform::deploy::{FunctionSettings, ProjectSettings};

/// A project, read from its folder.
#[derive(Debug)]
pub struct Project {
    /// The environment's id as the project names it.
    pub environment: Option<String>,
    /// The mini program's AppID, when the project has a real one.
    pub app_id: Option<String>,
    /// Where the functions' folders lie; absent when the project has none.
    pub function_root: Option<PathBuf>,
    /// What `yunkai.json` says.
    pub settings: ProjectSettings,
    /// The folder of the hosted site, which may not be built yet.
    pub hosting: Option<PathBuf>,
    layout: layout::Layout,
}

/// One function of a project.
#[derive(Debug)]
pub struct ProjectFunction {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its settings, from every file that holds some.
    pub settings: FunctionSettings,
    /// What is left out of its package when it is sent to a server.
    pub ignored: Vec<String>,
}

impl Project {
    /// Reads a project folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let folder = std::fs::canonicalize(folder).map_err(|error| {
            anyhow!(
                "The project folder {0} cannot be opened: {error}. / 无法打开项目目录 {0}:{error}。",
                folder.display()
            )
        })?;
        let layout = layout::read(&folder)?;
        let settings = manifest::read(&folder)?;
        Ok(Self {
            environment: layout.environment.clone(),
            app_id: layout.app_id.clone(),
            function_root: layout.function_root.clone(),
            hosting: settings.hosting.as_ref().map(|hosting| folder.join(hosting)),
            settings,
            layout,
        })
    }

    /// The functions that are in the folder now, by name. One whose own `config.json` cannot be
    /// understood is an error of its own: the others must not suffer from it.
    pub fn functions(&self) -> Result<Vec<(String, Result<ProjectFunction>)>> {
        let mut folders = self.layout.folders()?;
        folders.sort();
        let read = |(name, folder): (String, PathBuf)| (name.clone(), self.function(name, folder));
        Ok(folders.into_iter().map(read).collect())
    }

    /// Later files win: the function's own `config.json`, `cloudbaserc.json`, `yunkai.json`.
    fn function(&self, name: String, folder: PathBuf) -> Result<ProjectFunction> {
        let mut settings = layout::config_json(&folder)?;
        settings.overlay(self.layout.settings(&name));
        if let Some(later) = self.settings.functions.get(&name) {
            settings.overlay(later.clone());
        }
        let ignored = self.layout.ignored(&name);
        Ok(ProjectFunction { name, folder, settings, ignored })
    }
}

#[cfg(test)]
mod tests {
    use platform::deploy::FunctionKind;

    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read_all(project: &Project) -> Vec<ProjectFunction> {
        project.functions().unwrap().into_iter().map(|(_, function)| function.unwrap()).collect()
    }

    #[test]
    fn both_layouts_are_read() {
        let wechat = tempfile::tempdir().unwrap();
        write(wechat.path(), "project.config.json", r#"{"cloudfunctionRoot":"cloudfunctions/"}"#);
        write(wechat.path(), "cloudfunctions/login/index.js", "");
        write(wechat.path(), "cloudfunctions/login/config.json", r#"{"timeout":3}"#);
        write(wechat.path(), "cloudfunctions/.hidden/index.js", "");
        let project = Project::read(wechat.path()).unwrap();
        let functions = read_all(&project);
        assert_eq!(functions.len(), 1);
        assert_eq!(functions[0].name, "login");
        assert_eq!(functions[0].settings.timeout, Some(3.0));

        let cli = tempfile::tempdir().unwrap();
        let rc = r#"{"envId":"env-1","functionRoot":"./fns","functions":[
            {"name":"a","timeout":5,"envVariables":{"K":"v"},"handler":"main.go"},
            {"name":"b","dir":"elsewhere/b","memorySize":512,"type":"HTTP"}]}"#;
        write(cli.path(), "cloudbaserc.json", rc);
        write(cli.path(), "fns/a/index.js", "");
        write(cli.path(), "elsewhere/b/index.js", "");
        write(cli.path(), "yunkai.json", r#"{"functions":{"a":{"timeout":9}}}"#);
        let project = Project::read(cli.path()).unwrap();
        assert_eq!(project.environment.as_deref(), Some("env-1"));
        let functions = read_all(&project);
        assert_eq!(functions.len(), 2);
        let run = functions[0].settings.run();
        assert_eq!(run.timeout_ms, 9_000);
        assert_eq!(run.handler, "main.go");
        assert_eq!(run.variables, [("K".to_owned(), "v".to_owned())]);
        assert_eq!(functions[1].settings.run().memory_mb, 512);
        assert_eq!(functions[0].settings.kind, None);
        assert_eq!(functions[1].settings.kind, Some(FunctionKind::Http));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (file, text, expected) in [
            ("yunkai.json", "{\n  \"colections\": {}\n}", "line 2"),
            ("yunkai.json", r#"{"collections":{"a":{"acl":"PUBLIC"}}}"#, "PUBLIC"),
            ("yunkai.json", r#"{"collections":{"a":{"rule":{"read":true}}}}"#, "rule"),
            ("yunkai.json", r#"{"collections":{"a":{"indexes":[{"keys":[]}]}}}"#, "line 1"),
            (
                "yunkai.json",
                r#"{"collections":{"a":{"indexes":[{"keys":[{"n":2}]}]}}}"#,
                "2dsphere",
            ),
            (
                "yunkai.json",
                r#"{"collections":{"a":{"indexes":[{"keys":[{"a":1,"b":1}]}]}}}"#,
                "one field",
            ),
            (
                "yunkai.json",
                r#"{"collections":{"a":{"indexes":[{"keys":[{"a":1}],"sparse":true}]}}}"#,
                "sparse",
            ),
            (
                "yunkai.json",
                r#"{"collections":{"a":{"indexes":[{"keys":[{"a":1}]},{"keys":[{"a":1}]}]}}}"#,
                "a_1",
            ),
            ("yunkai.json", r#"{"functions":{"a":{"timeout":-1}}}"#, "line 1"),
            ("project.config.json", "{", "project.config.json"),
            ("project.config.json", r#"{"cloudfunctionRoot":"../out"}"#, "cloudfunctionRoot"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), "project.config.json", "{}");
            write(folder.path(), file, text);
            let error = format!("{:#}", Project::read(folder.path()).unwrap_err());
            assert!(error.contains(expected), "{file} {text}: {error}");
        }
    }
}
