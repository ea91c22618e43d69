// Shows on which side a wide table goes on.
for (const box of document.querySelectorAll(".scroll")) {
  const cue = () => {
    box.parentNode.classList.toggle("more-left", box.scrollLeft > 4);
    box.parentNode.classList.toggle("more-right", box.scrollLeft + box.clientWidth < box.scrollWidth - 4);
  };
  box.addEventListener("scroll", cue, { passive: true });
  new ResizeObserver(cue).observe(box);
  for (const child of box.children) new ResizeObserver(cue).observe(child);
}
