//! Makes the folder of the bundled SDKs exist, so that the crate compiles before they are built.

fn main() {
    println!("cargo::rerun-if-changed=carried/dist");
    println!("cargo::rerun-if-changed=runtime");
    if let Err(error) = std::fs::create_dir_all("carried/dist") {
        println!("cargo::error=cannot create crates/functions/carried/dist: {error}");
    }
}
