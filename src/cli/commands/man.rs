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
        page.extend(
            String::from_utf8_lossy(&body).replace("\n.SH ", "\n.SS ").trim_start_matches(".ie").bytes(),
        );
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}
