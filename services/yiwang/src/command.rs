//! The command line.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use yiwang_kit::Config;
use yiwang_kit::config::{ConfigError, Sources, TelemetryConfig};

use crate::demo::DemoArgs;

/// 一网通办: 受理、审批、证照、好差评、公共资源交易 · every government service at one door
#[derive(Debug, Parser)]
#[command(name = "yiwang", version, arg_required_else_help = true)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// 配置文件 · configuration file (TOML); absent: yiwang.toml in the data folder, if there is one
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// 数据目录 · data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// PostgreSQL 地址，缺省用 SQLite · PostgreSQL for every service; absent: SQLite in the data folder
    #[arg(long, global = true, value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// 全部服务在一个进程中运行 · everything in one process, nothing else needed
    Up(Up),
    /// 演示：在固定的一天走完一件事 · the story of a guesthouse's permit, told through the public API
    Demo(DemoArgs),
    /// 单独运行服务 · some services, each at its own address: intake approval license evaluation trading gateway
    Serve {
        /// 服务名 · names of services
        #[arg(required = true)]
        services: Vec<String>,
    },
    /// 更新数据库结构 · bring the databases up to date
    Migrate {
        /// 服务名，缺省全部 · names of services; absent: all
        services: Vec<String>,
    },
    /// 核验账本 · walk every ledger and check each hash, chain and position
    Verify {
        /// 每个账本输出一个 JSON 对象 · one JSON object a ledger
        #[arg(long)]
        json: bool,
    },
    /// 由账目重建派生数据 · compute records, unique keys and tags anew from the entries; whoever writes meanwhile waits
    Rebuild {
        /// 服务名，缺省全部 · names of services; absent: all
        services: Vec<String>,
    },
    /// 在线备份 SQLite 数据目录 · copy the data folder (SQLite) while `yiwang up` works on it
    Backup {
        /// 备份目录，须尚不存在 · folder of the backup, not there yet
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// 归档旧记录 · old entries' bodies move to files, and back; chains stay whole and `yiwang verify` walks them as before
    Archive {
        /// Out or back.
        #[command(subcommand)]
        command: ArchiveCommand,
    },
    /// 恢复 PostgreSQL 之后、启动之前 · after a restore of PostgreSQL, before the start: begin a new epoch, in which no relay goes on
    /// before an operator says so
    Restored(Restored),
    /// 接收方有而发送方已无的办理 · what a service did at another's word that the other no longer knows; fails where there is any
    Orphans {
        /// 起始时间 (RFC 3339)，缺省全部 · since when; absent: ever
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// 已删除的个人信息 · erasures of personal data, which a restore undoes
    Erasures {
        /// What to do with them.
        #[command(subcommand)]
        command: ErasuresCommand,
    },
    /// 显示生效的配置，隐去密钥 · the configuration in force, secrets hidden
    Config,
    /// 签发演示账号的凭证 · a token of a demonstration account
    Token {
        /// 账号 · account: citizen, company, clerk, reviewer, approver, supervisor …
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
        /// 换一个机关 · in another organ, by its code
        #[arg(long, value_name = "CODE")]
        organisation: Option<String>,
    },
    /// 文书 · documents
    Documents {
        /// What to do with them.
        #[command(subcommand)]
        command: DocumentsCommand,
    },
    /// 工作日历 · the working-day calendar
    Calendar {
        /// What to do with it.
        #[command(subcommand)]
        command: CalendarCommand,
    },
}

/// How everything is started.
#[derive(Debug, Args)]
pub struct Up {
    /// 监听地址 · address to listen on
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
}

/// What is said after a restore.
#[derive(Debug, Args)]
pub struct Restored {
    /// 服务名，缺省全部 · names of services that were restored; absent: all
    pub services: Vec<String>,
    /// 原因，写入账目 · why, for the entry
    #[arg(long, value_name = "WORDS")]
    pub reason: String,
    /// 全部服务恢复到同一时刻时：转办随即继续 · where all were restored to one moment: relays go on at once
    #[arg(long)]
    pub resume: bool,
}

/// What to do with archives.
#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// 移出 · move out what belongs to matters in which nothing has happened since a day, at least 400 days ago
    Out {
        /// 此日之前，YYYY-MM-DD · before this day
        #[arg(long, value_name = "DATE")]
        before: NaiveDate,
        /// 归档目录，每个服务一个文件 · folder of the archives, a file a service
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// 移回 · bring back what is in these files: before a rebuild, or before a release that computes old states anew
    Return {
        /// 归档文件 · the files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// What to do with erasures.
#[derive(Debug, Subcommand)]
pub enum ErasuresCommand {
    /// 列出 · list them, one JSON object a line: keyed hashes, no personal data
    List {
        /// 起始时间 (RFC 3339)，缺省全部 · since when; absent: ever
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// 恢复后重做 · after a restore, before the start: do again, in every ledger, those that it does not know
    Repeat {
        /// `yiwang erasures list` 的输出 · what `yiwang erasures list` printed
        file: PathBuf,
    },
}

/// What to do with documents.
#[derive(Debug, Subcommand)]
pub enum DocumentsCommand {
    /// 写出每一种文书的样本，供人查看 · write a made-up document of every kind, ordinary and in large type, to be looked at
    Samples {
        /// 写入的文件夹 · folder to write them to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// What to do with the calendar.
#[derive(Debug, Subcommand)]
pub enum CalendarCommand {
    /// 导入新公布的年度 · import a newly published year
    Import {
        /// 年度文件：一行 `# covers: 2027`，其余每行 `日期,holiday 或 workday,名称` · year file: `# covers: 2027`, then lines of
        /// `2027-01-01,holiday,元旦` (a rest day) or `2027-02-06,workday,春节` (a weekend day on which one works)
        file: PathBuf,
    },
}

impl Options {
    /// The configuration with what the command line says on top.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let listen = match &self.command {
            Command::Up(up) => up.listen.clone(),
            _ => None,
        };
        let said = [
            ("data_dir", self.data.as_ref().map(|dir| dir.to_string_lossy().into_owned())),
            ("database_url", self.database_url.clone()),
            ("listen", listen),
        ];
        let overrides = said.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        Config::load(Sources { file: self.config.clone(), overrides, environment: None })
    }

    /// How much is logged: the story and the operators' answers stand alone, unless more was asked for.
    pub fn telemetry(&self, config: &Config) -> TelemetryConfig {
        let usual = TelemetryConfig::default().level;
        match &self.command {
            Command::Up(_) | Command::Serve { .. } => config.telemetry.clone(),
            _ if config.telemetry.level == usual => {
                TelemetryConfig { level: "warn".into(), ..config.telemetry.clone() }
            }
            _ => config.telemetry.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_in_order() {
        use clap::CommandFactory as _;
        Options::command().debug_assert();
    }
}
