// Adds a phrase of the laboratory to the conclusion.

const choice = document.querySelector("[data-phrases]");
const conclusion = document.querySelector("#conclusion");
const phrase = choice?.querySelector("select");

if (choice instanceof HTMLElement && phrase && conclusion instanceof HTMLTextAreaElement) {
  choice.hidden = false;
  choice.querySelector("button")?.addEventListener("click", () => {
    const before = conclusion.value.trimEnd();
    conclusion.value = before ? `${before}\n${phrase.value}` : phrase.value;
    conclusion.focus();
  });
}
