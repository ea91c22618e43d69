// Explanations open when their button is pressed, which needs no script; here also on hover, and beside what they explain.
for (const panel of document.querySelectorAll("[popover]")) {
  const opener = document.querySelector(`[popovertarget="${panel.id}"]`);
  if (!opener || !panel.showPopover) continue;
  const place = () => {
    const box = opener.getBoundingClientRect();
    const left = Math.min(box.left, document.documentElement.clientWidth - panel.offsetWidth - 8);
    const below = box.bottom + panel.offsetHeight + 8 < innerHeight;
    panel.style.left = Math.max(8, left) + "px";
    panel.style.top = (below ? box.bottom + 6 : Math.max(8, box.top - panel.offsetHeight - 6)) + "px";
  };
  panel.addEventListener("toggle", (event) => event.newState === "open" && place());
  const hovered = opener.closest("th") ?? opener;
  let timer;
  hovered.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") timer = setTimeout(() => panel.matches(":popover-open") || panel.showPopover(), 250);
  });
  hovered.addEventListener("pointerleave", (event) => {
    clearTimeout(timer);
    if (event.pointerType === "mouse" && !panel.contains(document.activeElement)) panel.hidePopover();
  });
}
