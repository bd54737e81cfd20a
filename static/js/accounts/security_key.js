// Asks a security key or passkey, and sends its answer with the form.

import { find, findAll } from "../common/elements.js";
import { gettext } from "../common/language.js";

const NO_ANSWER = gettext("No security key answered. Try again.");
/** @type {Record<string, string>} */
const SENTENCES = {
  InvalidStateError: gettext("This key is registered already."),
  SecurityError: gettext("Security keys do not work at this address. They need the server's own name over https."),
};

/**
 * Ask a key for what the form wants: a new credential, or one that it has.
 * @param {HTMLFormElement} form
 */
function askKey({ dataset }) {
  const options = JSON.parse(dataset.options ?? "");
  return dataset.securityKey === "create"
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

/** @param {HTMLFormElement} form */
function setUp(form) {
  const button = find(form, "button", HTMLButtonElement);
  const error = find(form, "[data-error]");
  const ask = async () => {
    button.disabled = true;
    error.hidden = true;
    try {
      const credential = await askKey(form);
      if (!(credential instanceof PublicKeyCredential)) throw new TypeError("no public key");
      find(form, "[name=answer]", HTMLInputElement).value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (failure) {
      error.textContent = SENTENCES[failure instanceof Error ? failure.name : ""] ?? NO_ANSWER;
      error.hidden = false;
      button.disabled = false;
    }
  };
  find(form, "[data-unsupported]").hidden = true;
  button.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
}

const isSupported = typeof window.PublicKeyCredential?.parseCreationOptionsFromJSON === "function";
if (isSupported) findAll(document, "[data-security-key]", HTMLFormElement).forEach(setUp);
