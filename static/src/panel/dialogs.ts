/** A question with two answers, in the page's own dialog. */

import { byId } from "./dom";

/** Shows a dialog and resolves with the value of the button that closed it; "" when it was left. */
export function answered(dialog: HTMLDialogElement): Promise<string> {
  const before = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        if (before instanceof HTMLElement) before.focus();
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}

export async function ask(question: string): Promise<boolean> {
  const dialog = byId("question", HTMLDialogElement);
  if (dialog.open) return false;
  byId("question-text", HTMLElement).textContent = question;
  return (await answered(dialog)) === "yes";
}
