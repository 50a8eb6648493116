"""What the audit tells people to do, a text for each kind of finding, in one place.

A text that tells people outright to change images, labels or the split is a claim. It is made where the finding holds
by construction, such as equal bytes, and its false alarms are counted in ``benchmarks/results/robustness-advice.md``;
a test compares the two. Every other text says what to look at.
"""

REMEDIES = {
    "broken-images": "Restore them, or leave them out with --skip-broken.",
    "missing": "Label them or leave them out.",
    "names-alike": "Look at them: where they mean one class, give it one name.",
    "no-identities": "Add a column 'identity', if only by what stays together: the photograph, the video, the day.",
    "identity-across-splits": "Split again by identity: split_by_identity does, and checks it.",
    "two-values": "Look at these rows: where one of the values is wrong, correct {name} or the identity.",
    "single-images": "An identity sampler repeats, drops or refuses them; see its option singletons.",
    "class-missing": "Split so that every class is in every split, or gather images.",
    "uneven": "Consider the sampler's balance or a loss that makes up for it.",
    "exact-copies-disagree": "Look at them, keep the right one of each, drop the others.",
    "near-copies-disagree": "Look at them; where it is the same photograph, keep the right one.",
    "exact-copies-of-two-identities": "Look at them; join the identities, or give the picture to the right one.",
    "near-copies-of-two-identities": "Look at them; where it is the same photograph, join the identities, or give it "
    "to the right one.",
    "exact-copies-across-splits": "Drop the copies, or split so that they stay together.",
    "near-copies-across-splits": "Look at them; where it is the same photograph, split so that both stay together.",
    "exact-copies": "Keep one of each.",
    "near-copies": "Look at them, and keep one of each photograph.",
    "flat-images": "Look at them; drop those that should show something.",
    "black-images": "Look at them; where they should show something, save them with the full range of brightness: "
    "16-bit gray is read as 0 (black) to 65535 (white), whatever the image holds.",
}
"""Kind of finding, which its id begins with -> text; ``{name}`` is the attribute."""
