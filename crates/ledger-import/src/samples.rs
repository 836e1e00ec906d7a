//! Real transcripts to try things with; see the licence beside each set.

/// A Claude Code session with two subagents, from marot/spotter (MIT, `testdata/claude/spotter/LICENSE`): path relative
/// to a configuration directory, and content.
pub const SPOTTER: &[(&str, &[u8])] = &[
    (
        "projects/-home-user-spotter/258c7280-ae70-4798-800f-63464d01a85d.jsonl",
        include_bytes!(
            "../testdata/claude/spotter/projects/-home-user-spotter/258c7280-ae70-4798-800f-63464d01a85d.jsonl"
        ),
    ),
    (
        "projects/-home-user-spotter/258c7280-ae70-4798-800f-63464d01a85d/subagents/agent-a881341.jsonl",
        include_bytes!(
            "../testdata/claude/spotter/projects/-home-user-spotter/258c7280-ae70-4798-800f-63464d01a85d/subagents/agent-a881341.jsonl"
        ),
    ),
    (
        "projects/-home-user-spotter/258c7280-ae70-4798-800f-63464d01a85d/subagents/agent-acompact-fffbd0.jsonl",
        include_bytes!(
            "../testdata/claude/spotter/projects/-home-user-spotter/258c7280-ae70-4798-800f-63464d01a85d/subagents/agent-acompact-fffbd0.jsonl"
        ),
    ),
];
