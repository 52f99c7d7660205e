// The progress of a tier plan, renewed while it is looked at.

const INTERVAL = 3000;
const part = document.getElementById("plan-progress");

async function renew() {
  if (!part || document.hidden) return;
  const response = await fetch("?part", { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response || !response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const section = page.querySelector("section");
  if (!section || section.dataset.state !== part.dataset.state) {
    // It has ended, or somebody paused it: the buttons are others.
    location.reload();
    return;
  }
  part.replaceChildren(section);
}

setInterval(renew, INTERVAL);
