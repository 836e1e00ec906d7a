//! Names of providers: emitters have several for one. And what instrumentations tell of their input.

use crate::words::name;

/// The provider that `text` names, as the conventions of OpenTelemetry name it.
pub(super) fn provider(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let known = match text.as_str() {
        "vertex_ai" | "vertexai" | "google_vertexai" => "gcp.vertex_ai",
        "gemini" | "google" | "google_genai" => "gcp.gemini",
        "az.ai.openai" | "azure_openai" | "azure" => "azure.ai.openai",
        "az.ai.inference" => "azure.ai.inference",
        "bedrock" | "aws" | "aws_bedrock" | "amazon-bedrock" => "aws.bedrock",
        // Of the Vercel AI SDK: the provider, and which of its interfaces.
        text if text.starts_with("anthropic.") => "anthropic",
        text if text.starts_with("openai.") => "openai",
        text if text.starts_with("google.vertex") => "gcp.vertex_ai",
        text if text.starts_with("google.generative") => "gcp.gemini",
        text if text.starts_with("azure-openai.")
            || text.starts_with("azure.chat")
            || text.starts_with("azure.resp") =>
        {
            "azure.ai.openai"
        }
        other => return name(Some(other)),
    };
    Some(known.to_owned())
}

/// What an instrumentation tells of as input, of some providers, is without what was read from caches or written to them.
struct Exclusive {
    scope: &'static str,
    providers: &'static [&'static str],
}

/// The Vercel AI SDK passed on what these providers say, until it told of the details as well (version 6).
const EXCLUSIVE: [Exclusive; 1] = [Exclusive { scope: "ai", providers: &["anthropic", "aws.bedrock"] }];

/// Whether input is without cached tokens for certain; where it is not, the numbers tell.
pub(super) fn is_exclusive(scope: Option<&str>, provider: Option<&str>, has_details: bool) -> bool {
    let is_of = |exclusive: &Exclusive| {
        scope == Some(exclusive.scope) && provider.is_some_and(|provider| exclusive.providers.contains(&provider))
    };
    !has_details && EXCLUSIVE.iter().any(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_provider_has_one_name() {
        for (told, expected) in [
            ("anthropic", "anthropic"),
            ("Anthropic", "anthropic"),
            ("anthropic.messages", "anthropic"),
            ("aws.bedrock", "aws.bedrock"),
            ("vertex_ai", "gcp.vertex_ai"),
            ("google.vertex.chat", "gcp.vertex_ai"),
            ("az.ai.openai", "azure.ai.openai"),
            ("openai.responses", "openai"),
            ("mistral_ai", "mistral_ai"),
        ] {
            assert_eq!(provider(told).as_deref(), Some(expected), "{told}");
        }
        assert_eq!(provider(&"long ".repeat(100)), None);
    }
}
