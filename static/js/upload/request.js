// One upload as a request: told how far it is, and given up when nothing moves any more.

/**
 * @typedef {object} RequestActions
 * @property {(share: number) => void} progress from 0 to 1
 * @property {() => void} arrived
 * @property {(request: XMLHttpRequest) => void} answered
 * @property {() => void} failed no answer came
 * @property {() => void} ended after any of these, or when it was aborted
 */

/** Milliseconds without any sign after which a connection counts as lost. */
const STALLED = 120_000;

/**
 * @param {string} address
 * @param {FormData} body
 * @param {string} token
 * @param {RequestActions} actions
 */
export function post(address, body, token, actions) {
  const request = new XMLHttpRequest();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => { request.abort(); actions.failed(); }, STALLED);
  };
  request.open("POST", address);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", token);
  request.upload.addEventListener("progress", (event) => {
    alive();
    if (event.lengthComputable) actions.progress(event.loaded / event.total);
  });
  request.upload.addEventListener("load", actions.arrived);
  request.addEventListener("load", () => actions.answered(request));
  request.addEventListener("error", actions.failed);
  request.addEventListener("loadend", () => {
    clearTimeout(timer);
    actions.ended();
  });
  alive();
  request.send(body);
  return request;
}
