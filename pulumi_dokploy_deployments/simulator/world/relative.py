"""Docker's coarse texts for a span of time (transcripts 313-329)."""


def human_duration(seconds: float) -> str:
    """Return a span as Docker prints it: "5 seconds", "About a minute", "2 hours"."""
    whole = int(max(seconds, 0))
    minutes, hours = int(seconds // 60), round(seconds / 3600)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 14:
        return f"{hours // 24} days"
    if hours < 24 * 60:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{hours // 24 // 365} years"


def ago(state: str, seconds: float) -> str:
    """Return a task's currentState: "Running 5 seconds ago", "Shutdown less than a second ago"."""
    span = human_duration(seconds)
    return f"{state.capitalize()} {span[0].lower()}{span[1:]} ago"
