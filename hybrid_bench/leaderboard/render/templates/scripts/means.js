// The same as hybrid_bench/leaderboard/means.py, operation by operation.
function sum(values) {
  // Exact, rounded once, as math.fsum does it (Shewchuk 1997).
  const partials = [];
  for (let x of values) {
    let kept = 0;
    for (let y of partials) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low) partials[kept++] = low;
      x = high;
    }
    partials.length = kept;
    partials.push(x);
  }
  let at = partials.length - 1;
  let high = at < 0 ? 0 : partials[at];
  let low = 0;
  while (at > 0) {
    const x = high;
    const y = partials[--at];
    high = x + y;
    low = y - (high - x);
    if (low) break;
  }
  if (at > 0 && low < 0 === partials[at - 1] < 0) {
    const twice = low * 2;
    if (twice === high + twice - high) high += twice;
  }
  return high;
}
const mean = (values) => sum(values) / values.length;
function byQuerySet(values, languages, chosen) {
  const names = Object.keys(values);
  const kept = names.filter((name) => chosen.includes(name));
  const gone = new Set(names.filter((name) => !chosen.includes(name)).map((name) => languages[name]));
  for (const name of [undefined, ...kept.map((name) => languages[name])]) gone.delete(name);
  const means = {};
  for (const name of kept) {
    const counted = Object.entries(values[name]).filter(([pool]) => !gone.has(languages[pool]));
    if (counted.length) means[name] = mean(counted.map(([, value]) => value));
  }
  return means;
}
function meanOf(values, languages, chosen) {
  const found = Object.values(byQuerySet(values ?? {}, languages, chosen));
  return found.length && found.length === chosen.length ? mean(found) : null;
}
function shown(value, decimals) {
  if (value === null || value === undefined) return "–";
  // As Python rounds: the exact value, and ties to even, where toFixed rounds ties up.
  const exact = value.toFixed(100);
  const end = exact.length - 100 + decimals;
  const kept = exact.slice(0, decimals ? end : end - 1);
  return /^50*$/.test(exact.slice(end)) && "02468".includes(kept.at(-1)) ? kept : value.toFixed(decimals);
}
