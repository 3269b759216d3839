import type { Recognition, RecognizedFace } from '../src/model/recognizer.js';
import { draw } from './draw.js';
import { inThisBrowser, type Place, PlaceError, server, type Wish } from './places.js';

const find = <T extends Element>(selector: string) => document.querySelector(selector) as T;
const form = find<HTMLFormElement>('form');
const file = find<HTMLInputElement>('#file');
const camera = find<HTMLButtonElement>('#camera');
const saliency = find<HTMLInputElement>('#saliency');
const key = find<HTMLLabelElement>('#key');
const status = find<HTMLElement>('#status');
const error = find<HTMLElement>('#error');
const result = find<HTMLElement>('#result');
const canvas = find<HTMLCanvasElement>('canvas');
const timing = find<HTMLElement>('#timing');
const list = find<HTMLOListElement>('#faces');
const video = find<HTMLVideoElement>('video');

const places: Record<string, Place> = { server, browser: inThisBrowser() };
let shown: Blob | undefined;

const place = () => new FormData(form).get('place') as string;
const wish = (): Wish => ({
  saliency: saliency.checked,
  key: (key.querySelector('input') as HTMLInputElement).value,
});

/** Looks at a picture and shows what is seen; says so where it cannot. */
async function look(picture: Blob): Promise<boolean> {
  shown = picture;
  const where = place();
  try {
    const [bitmap, recognition] = await Promise.all([
      createImageBitmap(picture).catch(() => undefined),
      (places[where] as Place)(picture, wish()),
    ]);
    if (shown !== picture || !bitmap) return true; // another one has been chosen meanwhile
    await draw(canvas, bitmap, recognition.faces);
    show(recognition, where);
    error.textContent = '';
    return true;
  } catch (cause) {
    if (cause instanceof PlaceError && cause.status === 401) key.hidden = false;
    result.hidden = true;
    status.textContent = '';
    error.textContent = (cause as Error).message;
    return false;
  }
}

function show({ faces, timing: times, backend, model }: Recognition, where: string): void {
  const count = faces.length === 1 ? '1 face' : `${faces.length || 'No'} faces`;
  const said = faces.map(({ expressions }, index) => `${index + 1}: ${expressions[0]?.label}`).join(', ');
  status.textContent = `${count}${said && ` (${said})`}.`;
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
  status.textContent = 'Looking …';
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

async function startCamera(): Promise<void> {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user' } });
  } catch (cause) {
    error.textContent = `The camera cannot be used: ${(cause as Error).message}`;
    return;
  }
  await video.play();
  camera.textContent = 'Stop the camera';
  status.textContent = 'Looking …';
  while (video.srcObject) {
    const picture = await frame();
    if (!picture || !(await look(picture))) break;
    await new Promise(requestAnimationFrame); // lets the page be drawn
  }
  stopCamera();
}

function stopCamera(): void {
  for (const track of (video.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  camera.textContent = 'Use the camera';
}

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
  lookAtOne(event.dataTransfer?.files[0]);
};
