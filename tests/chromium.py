"""Chromium as tests start it."""

from playwright.sync_api import Browser, Playwright

# Where it is no headless shell, every context opens a window, whose buttons and address bar are
# pages of their own since Chromium 150: nobody sees them, and they take half of a second of a core.
_PARTS_OF_WINDOWS = [
    "InitialWebUI", "WebUIBackForwardButton", "WebUIHomeButton", "WebUILocationBar",
    "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "WebUIOmniboxPopup", "WebUIReloadButton",
    "WebUISplitTabsButton", "WebUIToolbar",
]  # fmt: skip
# What Playwright turns off. Of two such lists the last counts alone.
_OF_PLAYWRIGHT = [
    "AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades",
    "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints",
    "PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning",
]  # fmt: skip
_DISABLED = ",".join([*_OF_PLAYWRIGHT, *_PARTS_OF_WINDOWS])
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", f"--disable-features={_DISABLED}"]


def launch_chromium(playwright: Playwright, program: str, *arguments: str) -> Browser:
    """Start it without a sandbox, which root may not have, and a processor for graphics."""
    return playwright.chromium.launch(executable_path=program, args=[*_ARGUMENTS, *arguments])
