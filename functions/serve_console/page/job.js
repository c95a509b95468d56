// A job: followed live, with its tracks, its history and what it costs.

import { fetchUrl } from "./bucket.js";
import { announce, h, replace, update } from "./dom.js";
import { actionsView } from "./job_actions.js";
import { countdown, quarantineOf, rawOf, requestOf, resultOf, statusOf } from "./job_facts.js";
import { JobFeed } from "./job_feed.js";
import { titleOf } from "./job_titles.js";
import { timedLyrics } from "./lyrics.js";
import { badge, errorBox } from "./parts.js";
import { player } from "./player.js";
import { attemptsTable, timeline } from "./timeline.js";
import { lyricsIn, tracksView } from "./tracks.js";
import { waveform } from "./waveform.js";

export const title = "Job";

/**
 * @param {HTMLElement} main
 * @param {any} context
 */
export async function show(main, { params, api, signal, go, live }) {
  const feed = new JobFeed(api, params.job_id, signal);
  const renew = async () => {
    draw(await feed.load({ fresh: true }));
  };
  const links = { url: (/** @type {string} */ key) => feed.url(key), renew };
  const draw = jobPage(main, { api, signal, go, links });
  await live(() => feed.load(), draw, () => feed.seconds);
  const clock = setInterval(() => tick(main), 1000);
  signal.addEventListener("abort", () => clearInterval(clock));
}

/** @param {HTMLElement} main */
function tick(main) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (main.querySelectorAll(".countdown"))) {
    element.textContent = countdown(element.dataset.until ?? "");
  }
}

/**
 * @param {string} name
 * @param {string} heading
 */
function section(name, heading) {
  const content = h("div", { class: `${name}-content` });
  const element = h("section", { class: `job-section job-${name}`, "aria-labelledby": `${name}-heading` }, h("h2", { id: `${name}-heading` }, heading), content);
  element.hidden = true;
  const fill = (/** @type {any[]} */ children) => {
    element.hidden = !children.length;
    update(content, children);
  };
  return { element, content, fill };
}

/**
 * @param {HTMLElement} main
 * @param {any} context
 * @returns {(loaded: {job: any, events: any[]}) => void}
 */
function jobPage(main, context) {
  const heading = h("h1", { dir: "auto" }, "Job");
  const state = h("p", { class: "job-state" }, "Loading the job…");
  const actions = h("div", { class: "job-actions" });
  const [status, tracks, result] = [section("status", "State"), section("tracks", "Tracks"), section("result", "Result")];
  const [history, tries] = [section("history", "Timeline"), section("attempts", "Submissions")];
  const [request, quarantine, raw] = [section("request", "Request"), section("quarantine", "Quarantine"), section("raw", "Records")];
  const [wide, narrow] = [[tracks, result, quarantine, tries, raw], [history, request]];
  const columns = [wide, narrow].map((sections) => h("div", {}, sections.map((each) => each.element)));
  const head = h("div", { class: "job-head" }, h("div", {}, heading, state), actions);
  replace(main, h("p", {}, h("a", { href: "#/jobs" }, "All jobs")), head, status.element, h("div", { class: "job-columns" }, columns));
  const drawActions = actionsView(actions, context);
  const drawTracks = tracksOf(tracks, context);
  const drawWords = wordsOf(result, context);
  const tell = announcing();
  return ({ job, events }) => {
    document.title = `${job.state} ${titleOf(job)} · suno-jobs`;
    update(heading, titleOf(job));
    update(state, badge(job.state), " ", h("span", { class: "muted" }, `${job.kind} at ${job.gateway}`));
    drawActions(job);
    status.fill(statusOf(job));
    drawTracks(job);
    if (job.result?.words) drawWords(job);
    else result.fill(resultOf(job));
    history.fill(timeline(events));
    tries.fill(attemptsTable(events));
    request.fill(requestOf(job));
    quarantine.fill(quarantineOf(job.quarantine));
    raw.fill(rawOf(job, events));
    tell(job.state);
  };
}

/** @returns {(state: string) => void} says each change of the state once */
function announcing() {
  /** @type {string | null} */
  let known = null;
  return (state) => {
    if (known !== null && known !== state) announce(`The job is now ${state}`);
    known = state;
  };
}

/**
 * @param {ReturnType<typeof section>} place
 * @param {any} context
 * @returns {(job: any) => void}
 */
function tracksOf(place, context) {
  const draw = tracksView(place.content, context);
  /** @type {Map<string, string>} */
  let lyrics = new Map();
  let read = "";
  return (job) => {
    place.element.hidden = !job.tracks.length;
    draw(job.tracks, lyrics);
    const version = `${job.state} ${job.tracks.map((/** @type {any} */ track) => track.state)}`;
    if (!job.manifest?.url || !job.tracks.length || version === read) return;
    read = version;
    readLyrics(job.manifest.url, context.signal).then(
      (found) => draw(job.tracks, (lyrics = found)),
      // The next change, or the next look at an ended job, tries again.
      () => (read = ""),
    );
  };
}

/**
 * The manifest has the lyrics, which the job itself has not.
 *
 * @param {string} url
 * @param {AbortSignal} signal
 */
async function readLyrics(url, signal) {
  const answer = await fetchUrl(url, signal);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return lyricsIn(await answer.json());
}

/**
 * Words with times belong to a track of an earlier job, which is played here.
 *
 * @param {ReturnType<typeof section>} place
 * @param {any} context
 * @returns {(job: any) => void}
 */
function wordsOf(place, context) {
  let drawn = false;
  return (job) => {
    if (drawn) return;
    drawn = true;
    place.element.hidden = false;
    replace(place.content, h("p", { class: "muted" }, "Loading the song…"));
    sourceOf(job.request?.input?.source, context).then(
      (song) => replace(place.content, songWithWords(job.result.words, song, context.signal)),
      (error) => context.signal.aborted || replace(place.content, errorBox(error), timedLyrics(job.result.words, null)),
    );
  };
}

/**
 * @param {any[]} words
 * @param {Awaited<ReturnType<typeof sourceOf>>} song
 * @param {AbortSignal} signal
 */
function songWithWords(words, song, signal) {
  if (!song) return [h("p", { class: "muted" }, "The file of the song is not available."), timedLyrics(words, null)];
  const media = player(song.asset, song.title, song.links);
  const picture = waveform(media, song.asset, song.title, { links: song.links, signal, seconds: song.seconds });
  return [h("figure", { class: "player" }, picture, media), timedLyrics(words, media)];
}

/**
 * @param {{job_id: string, track_id: string} | undefined} source
 * @param {any} context
 */
async function sourceOf(source, { api, signal }) {
  if (!source) return null;
  const feed = new JobFeed(api, source.job_id, signal);
  const { job } = await feed.load();
  const track = job.tracks.find((/** @type {any} */ each) => each.track_id === source.track_id);
  const asset = track?.assets.find((/** @type {any} */ each) => each.content_type.startsWith("audio/"));
  if (!asset) return null;
  const links = { url: (/** @type {string} */ key) => feed.url(key), renew: () => feed.load({ fresh: true }) };
  return { asset, links, title: track.title || "Song", seconds: track.duration_seconds };
}
