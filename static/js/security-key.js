// Asks a security key or passkey, and sends its answer with the form.

const CALLS = {
  create: (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  get: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
};
const NO_ANSWER = "No security key answered. Try again.";
const SENTENCES = {
  InvalidStateError: "This key is registered already.",
  SecurityError: "Security keys do not work at this address. They need the server's own name over https.",
};

function isSupported() {
  return typeof window.PublicKeyCredential?.parseCreationOptionsFromJSON === "function";
}

function setUp(form) {
  const button = form.querySelector("button");
  const error = form.querySelector("[data-error]");
  const ask = async () => {
    button.disabled = true;
    error.hidden = true;
    try {
      const credential = await CALLS[form.dataset.securityKey](JSON.parse(form.dataset.options));
      form.elements.answer.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (failure) {
      error.textContent = SENTENCES[failure.name] ?? NO_ANSWER;
      error.hidden = false;
      button.disabled = false;
    }
  };
  form.querySelector("[data-unsupported]").hidden = true;
  button.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
}

if (isSupported()) document.querySelectorAll("[data-security-key]").forEach(setUp);
