//! The `.npmrc` of a function: where its packages come from and who asks for them there, and
//! nothing else. Programs, scripts and files of the server cannot be named in it.
//!
//! `${NAME}` stands for a variable or secret of the function, never for one of the server.

use crate::error::Error;
use crate::redact::redact;

/// The name of the file.
pub(super) const FILE: &str = ".npmrc";
/// Settings that are taken over as they are.
const TAKEN: &[&str] = &["registry", "always-auth", "strict-ssl", "legacy-peer-deps"];
/// What may be said of one registry, behind `//host/path/:`.
const OF_A_REGISTRY: &[&str] = &["_authToken", "_auth", "username", "_password", "always-auth"];
/// What npm is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Npmrc {
    /// The lines as they were written.
    pub text: String,
    /// The lines with the values of variables in them.
    pub filled: String,
    /// Settings that are left out.
    pub ignored: Vec<String>,
    /// Values that must not be shown.
    hidden: Vec<String>,
}

impl Npmrc {
    /// Reads the file; `variables` are those of the function, its secrets included.
    ///
    /// # Errors
    /// [`Error::MendPackage`] for a variable that the function has not.
    pub(super) fn read(text: &str, variables: &[(String, String)]) -> Result<Self, Error> {
        let mut npmrc = Self::default();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let name = line.split_once('=').map_or(line, |(name, _)| name).trim();
            if !is_taken(name) {
                npmrc.ignored.push(name.to_owned());
                continue;
            }
            let filled = npmrc.fill(line, variables)?;
            for (lines, line) in [(&mut npmrc.text, line), (&mut npmrc.filled, &*filled)] {
                lines.push_str(line);
                lines.push('\n');
            }
        }
        Ok(npmrc)
    }

    /// A text of npm's without the values that were filled in.
    pub(super) fn redact(&self, text: &str) -> String {
        redact(text, self.hidden.iter().map(String::as_str)).into_owned()
    }

    fn fill(&mut self, line: &str, variables: &[(String, String)]) -> Result<String, Error> {
        let (mut filled, mut rest) = (String::new(), line);
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else { break };
            let value = variables.iter().find(|(known, _)| known == name).map(|(_, it)| it);
            let value = value.filter(|it| !it.contains(['\n', '\r'])).ok_or_else(|| lacks(name))?;
            self.hidden.push(value.clone());
            filled.push_str(before);
            filled.push_str(value);
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

fn is_taken(name: &str) -> bool {
    let of_a_registry = || {
        let (registry, setting) = name.rsplit_once(':')?;
        let is_scope = registry.starts_with('@') && setting == "registry";
        Some(is_scope || (registry.starts_with("//") && OF_A_REGISTRY.contains(&setting)))
    };
    TAKEN.contains(&name) || of_a_registry() == Some(true)
}

fn lacks(name: &str) -> Error {
    Error::MendPackage(format!(
        "{FILE} names ${{{name}}}, which is no variable of the function (or has several lines): run \
         `yunkai functions secrets set {name}` and list it in \"secrets\" of the function, or add it \
         to its variables. / {FILE} 引用了 ${{{name}}},但云函数没有该环境变量(或其内容含换行):请运行 `yunkai \
         functions secrets set {name}` 并在函数配置的 \"secrets\" 中列出,或添加到环境变量。"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_and_tokens_are_taken_and_nothing_else() {
        let text = "# ours\n@team:registry=https://npm.example/\n//npm.example/:_authToken=${T}\n\
                    registry = https://mirror.example\nscript-shell=/bin/evil\ngit=/bin/evil\n\
                    cafile=/etc/shadow\nignore-scripts=false\n//npm.example/:keyfile=/etc/x\n";
        let variables = [("T".to_owned(), "a-secret-token".to_owned())];
        let npmrc = Npmrc::read(text, &variables).unwrap();
        assert!(npmrc.filled.contains("//npm.example/:_authToken=a-secret-token\n"));
        assert!(npmrc.text.contains("${T}") && !npmrc.text.contains("a-secret-token"));
        assert_eq!(npmrc.filled.lines().count(), 3);
        assert_eq!(
            npmrc.ignored,
            ["script-shell", "git", "cafile", "ignore-scripts", "//npm.example/:keyfile"]
        );
        assert_eq!(npmrc.redact("401 a-secret-token"), "401 [secret]");
        let error = Npmrc::read(text, &[]).unwrap_err().to_string();
        assert!(error.contains("${T}") && error.contains("secrets set T"), "{error}");
    }
}
