//! What can be said on the command line.

mod budget;
mod prices;
mod project;
mod report;
mod strategy;
mod usage;

use std::path::PathBuf;

use agent_ledger::limits::MAX_BATCH_EVENTS;
use agent_ledger::{Actor, ConsumerName, EventId, EventKind, Filter, ModelId, Offset, RunId, SessionId};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use budget::{BudgetCheckArgs, BudgetCommand, BudgetRemoveArgs, BudgetSetArgs, PeriodArg};
pub(crate) use prices::{PricesCheckArgs, PricesCommand, PricesListArgs, PricesUpdateArgs};
pub(crate) use project::{CatchUpArgs, Labels, ProjectArgs, QueryArgs, Which};
pub(crate) use report::{BlocksArgs, ModelsArgs, ReportArgs, ReportOnArgs, SessionsArgs, StatuslineArgs};
pub(crate) use strategy::{
    StrategyCommand, StrategyCompareArgs, StrategyEraseArgs, StrategyFiguresArgs, StrategyListArgs, StrategyOthersArgs,
    StrategySelectArgs, StrategySeriesArgs, StrategyStatsArgs, StrategyTopArgs,
};
pub(crate) use usage::{
    AskArgs, ByArgs, Dim, ErrorsArgs, ExportArgs, ExportFormat, ExportWhat, FiguresArgs, ListArgs, PerArg,
    PercentileArg, SelectArgs, SeriesArgs, StatsArgs, StatsBy, TableFormat, TableFormatArgs, ToolsArgs, UsageCommand,
    WhenArgs, WhoseArgs,
};

use crate::place::Place;

/// The flight recorder of agent runtimes: an append-only ledger of events.
///
/// Exit codes: 0 done, 1 something else, 2 wrong usage, 3 data refused or damaged, 4 not available or outcome unknown
/// (try again); of `budget check`: 5 over, 6 close, 7 not known.
#[derive(Parser)]
#[command(name = "agent-ledger", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The ledger: sqlite:PATH, a path, postgres://..., mysql://... or memory: [default: AGENT_LEDGER_URL, else sqlite:agent-ledger.db]
    #[arg(long, global = true, value_name = "URL")]
    ledger: Option<String>,

    /// The database of projections: sqlite:PATH, a path, postgres://...?schema=NAME or mysql://... [default:
    /// AGENT_LEDGER_PROJECTIONS, else beside a ledger file X.db the file X.projections.db, else agent-ledger.projections.db]
    #[arg(long, global = true, value_name = "URL")]
    projections: Option<String>,

    /// Prices of one's own, in TOML or JSON, over those that come with the program (docs/prices.md) [default:
    /// AGENT_LEDGER_PRICES, else prices.toml in the folder of settings]
    #[arg(long, global = true, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// What to log on stderr, such as debug or ledger_sql=trace; else RUST_LOG, else warnings
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Which ledger: the option, else the environment, else the default.
    pub(crate) fn ledger(&self) -> String {
        let environment = || std::env::var("AGENT_LEDGER_URL").ok().filter(|url| !url.is_empty());
        self.ledger.clone().or_else(environment).unwrap_or_else(|| "sqlite:agent-ledger.db".into())
    }

    /// Which ledger, and where its projections are: the option, else the environment, else the default.
    pub(crate) fn place(&self) -> Place {
        let environment = || std::env::var("AGENT_LEDGER_PROJECTIONS").ok().filter(|url| !url.is_empty());
        let prices = || std::env::var_os("AGENT_LEDGER_PRICES").filter(|path| !path.is_empty()).map(PathBuf::from);
        Place {
            ledger: self.ledger(),
            projections: self.projections.clone().or_else(environment),
            prices: self.prices.clone().or_else(prices),
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Append events from JSON Lines; each batch whole or not at all
    Append(AppendArgs),
    /// Print events from an offset on, as JSON Lines
    Tail(TailArgs),
    /// Print which ledger this is and where it ends
    Head(FormatArgs),
    /// List the runs, in the order of their first events
    Runs(FormatArgs),
    /// Print the events of a run
    Show(ShowArgs),
    /// Print the event with an id
    Find(FindArgs),
    /// Read or set how far a consumer got
    #[command(subcommand)]
    Checkpoint(CheckpointCommand),
    /// Copy the ledger, as it is now, to one SQLite file; or bring an older snapshot up to date
    Snapshot(SnapshotArgs),
    /// Copy a snapshot, or any ledger file, into a new ledger
    Restore(RestoreArgs),
    /// Append every event of another ledger that is not here yet; exit 3 when some could not be, whose ids name others here
    Merge(MergeArgs),
    /// Check every event and the storage; exit 3 when something is wrong
    Verify(FormatArgs),
    /// Look at how the ledger is kept, change nothing, and say what to fix; exit 3 when something is to be fixed
    Doctor(FormatArgs),
    /// Fold what is new in the ledger into tables that answer questions, and say how far they are
    Project(ProjectArgs),
    /// Make the tables of usage anew with the prices of now; the ledger stays as it is
    Reprice(FormatArgs),
    /// Say what models cost, how old that is, and what it does not know
    #[command(subcommand)]
    Prices(PricesCommand),
    /// Answer who spent how much, on what, how slow, how often failing
    #[command(subcommand)]
    Usage(Box<UsageCommand>),
    /// Say how much may be spent, and check what is
    #[command(subcommand)]
    Budget(Box<BudgetCommand>),
    /// Say what strategies did: how often, how well, how fast, by which rule
    #[command(subcommand)]
    Strategy(Box<StrategyCommand>),
    /// Ask the projections a question in SQL, on a connection that cannot write
    Query(QueryArgs),
    /// Import what agents logged about themselves
    #[command(subcommand)]
    Import(ImportCommand),
    /// Do the main job in one go, on real transcripts that come with the program
    Demo(DemoArgs),
    /// Delete every event, for ever
    Reset(ResetArgs),
    /// Print completions for a shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Args)]
pub(crate) struct AppendArgs {
    /// JSON Lines, one event each: run_id, turn, kind, actor, payload; optional: id, created_at, schema_version,
    /// session_id, model_profile, model_id, metadata. - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
    /// Events per append: that many are stored together or not at all. 1 makes each event durable as it comes
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = batch_size)]
    pub(crate) batch: usize,
    /// Print a line for every batch as soon as it is durable, instead of one for all
    #[arg(long)]
    pub(crate) acks: bool,
    /// Refuse to append when any run of the batch has events after this offset; to repeat an append that was cut off,
    /// use the same --batch
    #[arg(long, value_name = "OFFSET")]
    pub(crate) fail_if_run_after: Option<Offset>,
}

fn batch_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (1..=MAX_BATCH_EVENTS).contains(&size) => Ok(size),
        _ => Err(format!("a batch has 1 to {MAX_BATCH_EVENTS} events")),
    }
}

#[derive(Args)]
pub(crate) struct TailArgs {
    /// Start after this offset (with --reverse: before it)
    #[arg(long, value_name = "OFFSET")]
    pub(crate) from: Option<Offset>,
    /// End after this many events
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Go on with what is appended later
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// From newer to older
    #[arg(long, conflicts_with = "follow")]
    pub(crate) reverse: bool,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// One JSON object a line, or text for people
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct FilterArgs {
    /// Only events of this run; may be repeated, as the others below
    #[arg(long = "run", value_name = "RUN")]
    runs: Vec<RunId>,
    /// Only events of this kind
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<EventKind>,
    /// Only events of this actor
    #[arg(long = "actor", value_name = "ACTOR")]
    actors: Vec<Actor>,
    /// Only events of this session
    #[arg(long = "session", value_name = "SESSION")]
    sessions: Vec<SessionId>,
    /// Only events of this model
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<ModelId>,
}

impl FilterArgs {
    pub(crate) fn filter(self) -> Filter {
        let Self { runs, kinds, actors, sessions, models } = self;
        let filter = runs.into_iter().fold(Filter::any(), Filter::run);
        let filter = kinds.into_iter().fold(filter, Filter::kind);
        let filter = actors.into_iter().fold(filter, Filter::actor);
        let filter = sessions.into_iter().fold(filter, Filter::session);
        models.into_iter().fold(filter, Filter::model)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For programs
    Json,
    /// For people
    Text,
}

#[derive(Args)]
pub(crate) struct FormatArgs {
    /// JSON for programs or text for people; text on a terminal, JSON elsewhere
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// Which run
    pub(crate) run: RunId,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Args)]
pub(crate) struct FindArgs {
    /// Which event
    pub(crate) id: EventId,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Print the checkpoint of a consumer, and check that the ledger still has its event
    Get {
        /// Whose
        name: ConsumerName,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Save that a consumer is done with everything up to an offset
    Set {
        /// Whose
        name: ConsumerName,
        /// The last event that it is done with
        offset: Offset,
        /// Also when that takes the consumer back; 0 is the beginning
        #[arg(long)]
        rewind: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Print every checkpoint
    List(FormatArgs),
}

#[derive(Args)]
pub(crate) struct SnapshotArgs {
    /// The file: new, or an older snapshot of this ledger
    pub(crate) dest: PathBuf,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// The snapshot or ledger file
    pub(crate) src: PathBuf,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Args)]
pub(crate) struct MergeArgs {
    /// The other ledger, which is only read: a URL or path as of --ledger, also of a snapshot
    #[arg(value_name = "OTHER_LEDGER")]
    pub(crate) other: String,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Subcommand)]
pub(crate) enum ImportCommand {
    /// Whatever this machine has in the usual places, of all that follow
    Auto(AutoArgs),
    /// Claude Code transcripts: calls, tools, turns and sessions, without any content
    Claude(ImportArgs),
    /// Codex rollouts, with forks, resumed and archived sessions, and subagents
    Codex(ImportArgs),
    /// roder threads, with forks, subagents, and turns that were interrupted
    Roder(ImportArgs),
    /// OpenTelemetry: files of OTLP/JSON with a line per export, GenAI spans and the logs of agents
    Otlp(NamedArgs),
    /// Any other log of JSON Lines, by a mapping that says where in a line what is (docs/import.md)
    Jsonl(MappedArgs),
}

#[derive(Args)]
pub(crate) struct AutoArgs {
    #[command(flatten)]
    pub(crate) how: ImportHow,
}

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Logs, or folders that hold some; else where the agent keeps them
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) how: ImportHow,
}

#[derive(Args)]
pub(crate) struct MappedArgs {
    /// The mapping, in TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) map: PathBuf,
    #[command(flatten)]
    pub(crate) named: NamedArgs,
}

#[derive(Args)]
pub(crate) struct NamedArgs {
    /// Logs, or folders that hold some
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) how: ImportHow,
}

#[derive(Args)]
pub(crate) struct ImportHow {
    /// Who pays for the calls
    #[arg(long, default_value = "local")]
    pub(crate) tenant: String,
    /// The machine that the logs are of, for the metadata
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// Go on with what is written later
    #[arg(long)]
    pub(crate) watch: bool,
    /// With --watch: how often to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: u64,
    /// Read every file from its beginning, whatever was read before; adds only what is new all the same
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Where to create ledger.db, ledger.projections.db and snapshot.db
    #[arg(default_value = "ledger-demo")]
    pub(crate) dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct ResetArgs {
    /// Yes, delete every event
    #[arg(long, required = true)]
    yes: bool,
}
