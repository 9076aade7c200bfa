//! `dbsynth man`: one page, with every command as a section of its own.

use clap::CommandFactory;

use crate::{
    cli::{args::Cli, terminal},
    error::Error,
};

pub(super) fn run() -> Result<u8, Error> {
    terminal::result(&page().map_err(|source| Error::File {
        action: "write",
        path: "the manual page".to_owned(),
        source,
    })?);
    Ok(0)
}

pub(in crate::cli) fn page() -> std::io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        page.extend(format!(".SH \"DBSYNTH {}\"\n", subcommand.get_name().to_uppercase()).bytes());
        let man = clap_mangen::Man::new(subcommand.clone());
        // As subsections: the sections of a page of its own would be lost among the others.
        let mut body = Vec::new();
        man.render_synopsis_section(&mut body)?;
        man.render_description_section(&mut body)?;
        man.render_options_section(&mut body)?;
        for line in String::from_utf8_lossy(&body).lines().filter(|line| !is_preamble(line)) {
            let line =
                line.strip_prefix(".SH ").map_or_else(|| line.to_owned(), |title| format!(".SS {title}"));
            page.extend(format!("{line}\n").bytes());
        }
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// True for what stands at the top of every section clap renders: the page has it once already.
fn is_preamble(line: &str) -> bool {
    line.starts_with(".ie ") || line.starts_with(".el ")
}
