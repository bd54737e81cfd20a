// Selects cases of the worklist: all at once, and says how many are.
import { find, findAll } from "../common/elements.js";
import { gettext, ngettext } from "../common/language.js";

const list = document.getElementById("selection");
if (list?.querySelector(".worklist-actions")) follow(list);

/** @param {HTMLElement} form */
function follow(form) {
  const all = find(form, "#select-all", HTMLInputElement);
  const boxes = findAll(form, "input[name=case]", HTMLInputElement);
  const actions = findAll(form, ".worklist-actions button", HTMLButtonElement);
  const said = find(form, "#selected");
  const show = () => {
    const number = boxes.filter((box) => box.checked).length;
    said.textContent = number ? ngettext("%(num)s selected:", "%(num)s selected:", number) : gettext(
      "Select cases to assign or archive them.",
    );
    for (const action of actions) action.disabled = !number;
    all.checked = number === boxes.length;
    all.indeterminate = number > 0 && !all.checked;
  };
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  // The browser may have ticked boxes again on the way back.
  addEventListener("pageshow", show);
  show();
}
