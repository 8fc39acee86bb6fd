//! 一网: the one binary. `yiwang up` runs everything in one process, `yiwang serve intake` one service of it.

mod archive;
mod backup;
mod command;
mod demo;
mod restore;
mod serve;
mod services;
mod tell;
mod tools;
mod up;

use std::process::ExitCode;

use clap::Parser as _;
use command::{CalendarCommand, Command, DocumentsCommand, Options};

/// Requests are many small allocations, freed on another thread than made: half as fast again as with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(Options::parse())).await {
        Ok(code) => code,
        Err(error) => {
            tools::complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let config = options.config()?;
    let _logs = yiwang_kit::telemetry::init(&options.telemetry(&config))?;
    match &options.command {
        Command::Up(_) => up::run(config).await?,
        Command::Demo(args) => tell::run(config.mode, &options, args).await?,
        Command::Serve { services } => serve::run(config, services).await?,
        Command::Migrate { services } => tools::migrate(config, services).await?,
        Command::Verify { json } => return tools::verify(config, *json).await,
        Command::Rebuild { services } => Box::pin(tools::rebuild(config, services)).await?,
        Command::Backup { to } => backup::run(&config, to).await?,
        Command::Archive { command } => archive::run(config, command).await?,
        Command::Restored(args) => restore::restored(config, args).await?,
        Command::Orphans { since } => return restore::orphans(config, since.as_deref()).await,
        Command::Erasures { command } => restore::erasures(config, command).await?,
        Command::Config => tools::show_config(&config),
        Command::Token { account, organisation } => tools::token(&config, account, organisation.as_deref())?,
        Command::Documents { command: DocumentsCommand::Samples { out } } => tools::document_samples(&config, out)?,
        Command::Calendar { command: CalendarCommand::Import { file } } => tools::import_calendar(&config, file)?,
    }
    Ok(ExitCode::SUCCESS)
}
