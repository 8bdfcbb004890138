// Runs before the page is painted: where the person left the theme to the machine, take the machine's.
const root = document.documentElement;

if (root.dataset.theme === "auto") {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = (): void => {
    root.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", paint);
  paint();
}
