// What the reader chose is kept after # in the address, so that a link shows the same. Anchors have no "=".
const address = {
  read: () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : ""),
  get: (name) => address.read().get(name) ?? "",
  set(name, value) {
    const state = address.read();
    if (value) state.set(name, value);
    else state.delete(name);
    const text = String(state);
    if (text || location.hash.includes("=")) history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  },
};
addEventListener("hashchange", () => location.hash.includes("=") && location.reload());
