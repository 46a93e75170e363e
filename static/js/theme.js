// In the head and not deferred: the chosen appearance is there before the first paint.
try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* storage is off: the system decides */ }
