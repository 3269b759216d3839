import type { Recognition, RecognizedFace } from '../src/model/recognizer.js';
import { uprightBitmap } from './bitmap.js';
import { draw, redMaps } from './draw.js';
import { inThisBrowser, type Place, PlaceError, server, type Wish } from './places.js';

const find = <T extends Element>(selector: string) => document.querySelector(selector) as T;
const form = find<HTMLFormElement>('form');
const file = find<HTMLInputElement>('#file');
const camera = find<HTMLButtonElement>('#camera');
const saliency = find<HTMLInputElement>('#saliency');
const key = find<HTMLLabelElement>('#key');
const keyInput = find<HTMLInputElement>('#key input');
const status = find<HTMLElement>('#status');
const error = find<HTMLElement>('#error');
const result = find<HTMLElement>('#result');
const canvas = find<HTMLCanvasElement>('canvas');
const timing = find<HTMLElement>('#timing');
const list = find<HTMLOListElement>('#faces');
const video = find<HTMLVideoElement>('video');

/** Shortest time between two texts of the status while the camera runs, milliseconds: screen readers read each out. */
const STATUS_EVERY = 2000;

/** How long the camera waits where a server that is busy does not say, seconds. */
const RETRY_AFTER = 1;

const places: Record<string, Place> = { server, browser: inThisBrowser() };
let shown: Blob | undefined;
/** The latest look's: what an earlier one brings is let go, and not computed where it can still be helped. */
let looking = new AbortController();
/** How often the camera has been asked for or stopped: what an earlier asking brings is let go. */
let asked = 0;
let saidAt = Number.NEGATIVE_INFINITY;
/** What the status is to say of what is shown, perhaps not yet. */
let wanted = '';

const place = () => new FormData(form).get('place') as string;
const wish = (): Wish => ({ saliency: saliency.checked, key: keyInput.value });

/** Sets a text where it differs, since screen readers read out what is set. */
function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The same for the status: while the camera runs, not before the last text has had its time. */
function sayStatus(text: string): void {
  wanted = text;
  const now = performance.now();
  if (status.textContent === text || (video.srcObject && now - saidAt < STATUS_EVERY)) return;
  status.textContent = text;
  saidAt = now;
}

/**
 * Looks at a picture and shows what is seen; says so where it cannot.
 * @returns what went wrong
 */
async function look(given: Blob): Promise<Error | undefined> {
  looking.abort();
  looking = new AbortController();
  const { signal: own } = looking;
  const where = place();
  try {
    const picture = await inMemory(given);
    if (own.aborted) return undefined;
    shown = picture;
    const [bitmap, recognition] = await Promise.all([
      uprightBitmap(picture).catch(() => undefined),
      (places[where] as Place)(picture, wish(), own),
    ]);
    const maps = await redMaps(recognition.faces);
    // Nothing waits from here on, so that two looks never mix.
    if (own.aborted) return undefined;
    if (!bitmap) throw new Error('This browser cannot show that picture.');
    show(recognition, where);
    draw(canvas, bitmap, recognition.faces, maps);
    say(error, '');
    return undefined;
  } catch (cause) {
    if (own.aborted) return undefined;
    result.hidden = true;
    say(status, '');
    say(error, (cause as Error).message);
    if (cause instanceof PlaceError && cause.status === 401) askForKey();
    return cause as Error;
  }
}

/** The same picture, whatever becomes of its file. */
async function inMemory(picture: Blob): Promise<Blob> {
  try {
    return new Blob([await picture.arrayBuffer()], { type: picture.type });
  } catch {
    throw new Error(
      'That cannot be read: it is a folder, or has changed since it was chosen. Choose it again.',
    );
  }
}

/** Shows the field for the API key, and goes there when it first appears. */
function askForKey(): void {
  if (!key.hidden) return;
  key.hidden = false;
  keyInput.focus();
}

function show({ faces, timing: times, backend, model }: Recognition, where: string): void {
  const count = faces.length === 1 ? '1 face' : `${faces.length || 'No'} faces`;
  const said = faces.map(({ expressions }, index) => `${index + 1}: ${expressions[0]?.label}`).join(', ');
  sayStatus(`${count}${said && ` (${said})`}.`);
  timing.textContent =
    `${model.name} ${model.version} on ${backend}, ${where === 'server' ? 'on the server' : 'in this browser'}: ` +
    `decoded in ${Math.round(times.decodeMs)} ms, faces found in ${Math.round(times.detectMs)} ms, ` +
    `scored in ${Math.round(times.inferMs)} ms.`;
  list.replaceChildren(...faces.map(entry));
  result.hidden = false;
}

function entry({ expressions, confidence }: RecognizedFace, index: number): HTMLLIElement {
  const item = document.createElement('li');
  const heading = document.createElement('h2');
  heading.textContent = `Face ${index + 1}: ${expressions[0]?.label}`;
  heading.title = `A face, with ${Math.round(confidence * 100)} % confidence`;
  const table = document.createElement('table');
  for (const { label, score } of expressions) {
    const row = table.insertRow();
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = label;
    const percent = `${(score * 100).toFixed(1)} %`;
    const meter = document.createElement('meter');
    meter.value = score;
    meter.textContent = percent;
    meter.setAttribute('aria-label', `${label}: ${percent}`);
    row.append(name);
    row.insertCell().append(meter);
    row.insertCell().textContent = percent;
  }
  item.append(heading, table);
  return item;
}

function lookAtOne(picture: Blob | null | undefined): void {
  if (!picture) return;
  stopCamera();
  say(status, 'Looking …');
  say(error, ''); // the same error again is to be read out again
  void look(picture);
}

/** The frame that is shown now, as a JPEG. */
function frame(): Promise<Blob | null> {
  const still = document.createElement('canvas');
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext('2d')?.drawImage(video, 0, 0);
  return new Promise((resolve) => still.toBlob(resolve, 'image/jpeg', 0.9));
}

/** Asks for the camera and shows what it sees, until it is stopped, or asked for again while the browser still asks. */
async function startCamera(): Promise<void> {
  const own = ++asked;
  say(error, ''); // the same error again is to be read out again
  let stream: MediaStream | undefined;
  try {
    if (!navigator.mediaDevices)
      throw new Error('browsers give it to pages from https:// and localhost alone.');
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user' } });
    if (own !== asked) return stopTracks(stream);
    video.srcObject = stream;
    for (const track of stream.getTracks()) track.onended = cameraIsGone;
    await video.play();
  } catch (cause) {
    if (own !== asked) return;
    stopCamera();
    say(error, `The camera cannot be used: ${(cause as Error).message || (cause as Error).name}`);
    return;
  }
  if (video.srcObject === stream) await lookThrough(stream);
}

/** Looks at one frame after the other, waits where the server is busy, and ends where else something is wrong. */
async function lookThrough(stream: MediaStream): Promise<void> {
  camera.textContent = 'Stop the camera';
  say(status, 'Looking …');
  while (video.srcObject === stream) {
    const picture = await frame();
    if (!picture || video.srcObject !== stream) break;
    const failure = await look(picture);
    const pause = failure && pauseAfter(failure);
    if (failure && !pause) break;
    if (pause) await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    await new Promise(requestAnimationFrame); // lets the page be drawn
  }
  if (video.srcObject === stream) stopCamera();
}

/** Seconds after which a server that is busy may be asked again; undefined for all other failures. */
function pauseAfter(failure: Error): number | undefined {
  if (!(failure instanceof PlaceError) || ![429, 503].includes(failure.status ?? 0)) return undefined;
  if (failure.code === 'backend_unavailable') return undefined; // it does not start
  return failure.retryAfter || RETRY_AFTER;
}

function stopCamera(): void {
  asked++;
  if (video.srcObject) {
    stopTracks(video.srcObject as MediaStream);
    if (!result.hidden) say(status, wanted);
  }
  video.srcObject = null;
  camera.textContent = 'Use the camera';
}

/** A camera that is unplugged, or taken away in the browser's settings: the video would show its last frame for ever. */
function cameraIsGone(): void {
  stopCamera();
  looking.abort();
  say(status, '');
  say(error, 'The camera is gone.');
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

file.onclick = () => {
  file.value = ''; // the same file may be chosen again
};
file.onchange = () => lookAtOne(file.files?.[0]);
camera.onclick = () => (video.srcObject ? stopCamera() : void startCamera());
form.onsubmit = (event) => event.preventDefault();
// Another place, another overlay, a key: the picture is looked at again.
form.onchange = ({ target }) => {
  if (target !== file && shown && !video.srcObject) lookAtOne(shown);
};
document.onpaste = ({ clipboardData }) => lookAtOne(clipboardData?.files[0]);
document.ondragover = (event) => {
  event.preventDefault();
  form.classList.add('over');
};
document.ondragleave = () => form.classList.remove('over');
document.ondrop = (event) => {
  event.preventDefault();
  form.classList.remove('over');
  const dropped = event.dataTransfer?.files[0];
  if (dropped) lookAtOne(dropped);
  else {
    say(error, '');
    setTimeout(() => say(error, 'That is no file: save the picture first, or copy and paste it.'));
  }
};
