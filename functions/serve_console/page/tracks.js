// The tracks of a job: players, covers, lyrics, files, and what is missing.

import { copyButton } from "./copy.js";
import { h, update as redraw } from "./dom.js";
import { bytes, duration } from "./format.js";
import { plainLyrics } from "./lyrics.js";
import { badge, table } from "./parts.js";
import { player } from "./player.js";
import { redrawing } from "./redraw.js";
import { waveform } from "./waveform.js";
import { errorText, TRACK_STATES } from "./words.js";

/**
 * Draws into ``section`` and keeps each player across redraws, so that a change of the job never stops the music.
 *
 * @param {Element} section
 * @param {{links: import("./player.js").Links, signal: AbortSignal}} context
 * @returns {(tracks: any[], lyrics: Map<string, string>) => void}
 */
export function tracksView(section, context) {
  /** @type {Map<string, ReturnType<typeof trackCard>>} */
  const cards = new Map();
  return (tracks, lyrics) => {
    const ids = new Set(tracks.map((track) => track.track_id));
    for (const [id, card] of cards) {
      if (!ids.has(id)) {
        card.element.remove();
        cards.delete(id);
      }
    }
    tracks.forEach((track, index) => {
      const card = cards.get(track.track_id) ?? trackCard(context);
      if (!card.element.isConnected) section.append(card.element);
      cards.set(track.track_id, card);
      card.update(track, nameOf(track, index, tracks), lyrics.get(track.track_id) ?? null);
    });
  };
}

/**
 * @param {any} track
 * @param {number} index
 * @param {any[]} tracks
 * @returns {string} the title, with a number if several tracks have the same
 */
export function nameOf(track, index, tracks) {
  const alike = tracks.filter((each) => each.title === track.title).length > 1;
  return `${track.title || "Untitled"}${alike ? ` ${index + 1}` : ""}`;
}

/** @param {{links: import("./player.js").Links, signal: AbortSignal}} context */
function trackCard(context) {
  const slots = ["head", "marks", "cover", "media", "lyrics", "files", "missing"].map((name) =>
    h("div", { class: `track-${name}` }),
  );
  const [head, marks, cover, media, lyrics, files, missing] = slots;
  const element = h("article", { class: "card track" }, head, marks, h("div", { class: "track-main" }, cover, media), lyrics, files, missing);
  const covers = redrawing(cover, (/** @type {any} */ value) => images(value, context.links));
  const players = playersView(media, context);
  const update = (/** @type {any} */ track, /** @type {string} */ name, /** @type {string | null} */ text) => {
    redraw(head, heading(track, name));
    redraw(marks, marksOf(track));
    covers({ name, keys: imagesOf(track) });
    players(track.assets, name, track.duration_seconds);
    redraw(lyrics, lyricsOf(text));
    redraw(files, filesOf(track.assets, name));
    redraw(missing, missingOf(track.missing));
  };
  return { element, update };
}

/**
 * @param {any} track
 * @param {string} name
 */
function heading(track, name) {
  const facts = [track.duration_seconds && duration(track.duration_seconds), track.model ?? track.gateway_model];
  return [
    h("h3", { dir: "auto" }, name),
    h("p", { class: "track-facts" }, badge(track.state), " ", h("span", { class: "muted" }, facts.filter(Boolean).join(" · "))),
    track.state !== "stored" && h("p", { class: "muted" }, TRACK_STATES[track.state]),
  ];
}

/** @param {any} track */
function marksOf(track) {
  const marks = [];
  if (track.error) marks.push(errorText(track.error));
  if (track.doubtful) {
    const { reported_seconds: reported, measured_seconds: measured } = track.doubtful;
    const found = measured === null ? "its length could not be measured" : `the file has ${duration(measured)}`;
    marks.push(`Doubtful length: the gateway reports ${duration(reported)}, and ${found}. The file is complete by its content.`);
  }
  if (track.identity === "mismatch") marks.push("The file names another clip than the gateway did. It may be the wrong song.");
  if (track.identical_to) marks.push(`The audio has the same bytes as the earlier track ${track.identical_to}.`);
  for (const asset of track.assets.filter((/** @type {any} */ each) => each.released)) marks.push(`${asset.kind}: it did not pass the checks, and an operator released it.`);
  return marks.map((text) => h("p", { class: "doubt" }, text));
}

/**
 * @param {any} track
 * @returns {string[]} the keys of its images
 */
function imagesOf(track) {
  const found = track.assets.filter((/** @type {any} */ asset) => asset.content_type.startsWith("image/"));
  return found.map((/** @type {any} */ asset) => asset.key);
}

/**
 * @param {{name: string, keys: string[]}} cover
 * @param {import("./player.js").Links} links
 */
function images({ name, keys }, links) {
  return keys.map((key) => {
    const image = h("img", { alt: `Cover of ${name}`, loading: "lazy", src: links.url(key) });
    let renewed = false;
    image.addEventListener("error", async () => {
      if (renewed) return image.remove();
      renewed = true;
      await links.renew().catch(() => null);
      image.src = links.url(key) ?? "";
    });
    return image;
  });
}

/**
 * @param {Element} slot
 * @param {{links: import("./player.js").Links, signal: AbortSignal}} context
 */
function playersView(slot, context) {
  const shown = new Set();
  return (/** @type {any[]} */ assets, /** @type {string} */ name, /** @type {number | null} */ seconds) => {
    const playable = assets.filter((asset) => /^(audio|video)\//.test(asset.content_type));
    for (const asset of playable.filter((each) => !shown.has(each.key))) {
      shown.add(asset.key);
      const label = playable.length > 1 ? `${name} (${asset.kind})` : name;
      slot.append(playerFigure(asset, label, { ...context, seconds }, playable.length));
    }
  };
}

/**
 * @param {any} asset
 * @param {string} label
 * @param {{links: import("./player.js").Links, signal: AbortSignal, seconds: number | null}} context
 * @param {number} count of the players of the track
 */
function playerFigure(asset, label, context, count) {
  const media = player(asset, label, context.links, { preload: count > 2 ? "none" : "metadata" });
  const isAudio = media.tagName === "AUDIO";
  return h(
    "figure",
    { class: "player" },
    count > 1 && h("figcaption", {}, asset.kind),
    isAudio && waveform(media, asset, label, context),
    media,
  );
}

/** @param {string | null} text */
function lyricsOf(text) {
  if (!text) return [];
  return [h("details", {}, h("summary", {}, "Lyrics"), plainLyrics(text))];
}

/**
 * @param {any[]} assets
 * @param {string} name
 */
function filesOf(assets, name) {
  if (!assets.length) return [];
  const rows = assets.map((asset) => ({ key: asset.kind, cells: fileCells(asset, name) }));
  const files = table(`Files of ${name}`, ["File", "Type", "Size", "SHA-256", "Download"], rows);
  return [h("details", {}, h("summary", {}, `Files (${assets.length})`), files)];
}

/**
 * @param {any} asset
 * @param {string} name
 */
function fileCells(asset, name) {
  const digest = h("code", { title: asset.sha256 }, `${asset.sha256.slice(0, 12)}…`);
  const copy = copyButton(`SHA-256 of ${asset.kind}`, () => asset.sha256);
  const link = h("a", { href: asset.url ?? null, "aria-label": `Download ${asset.kind} of ${name}` }, "Download");
  return [asset.kind, asset.content_type, bytes(asset.bytes), h("div", { class: "row" }, digest, copy), link];
}

/** @param {Record<string, any>} missing */
function missingOf(missing) {
  const entries = Object.entries(missing);
  if (!entries.length) return [];
  const items = entries.map(([kind, error]) => h("li", {}, `${kind}: ${errorText(error) || "not stored yet"}`));
  return [h("p", {}, "Missing files (a track does not fail without them):"), h("ul", { class: "missing" }, ...items)];
}

/**
 * @param {any} manifest the JSON of the manifest
 * @returns {Map<string, string>} the lyrics of each track that has any
 */
export function lyricsIn(manifest) {
  return new Map(manifest.tracks.filter((/** @type {any} */ track) => track.lyrics).map((/** @type {any} */ track) => [track.track_id, track.lyrics]));
}

