// Show the questions that fit the filters, and say how many there are.
(() => {
  const questions = [...document.querySelectorAll("details.question")];
  const fields = [...document.querySelectorAll(".filters select")];
  const text = document.querySelector("#text");
  const count = document.querySelector("#count");
  const fold = (value) => value.normalize("NFKC").toLowerCase();
  const holds = (values, wanted) => !wanted || (values ?? "").split("\n").includes(wanted);
  const show = () => {
    const words = fold(text.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const question of questions) {
      const fits = fields.every((field) => holds(question.dataset[field.name], field.value));
      question.hidden = !(fits && words.every((word) => fold(question.textContent).includes(word)));
      shown += question.hidden ? 0 : 1;
    }
    count.textContent = `${shown} / ${questions.length} 問`;
  };
  for (const field of [text, ...fields]) field.addEventListener("input", show);
  show();
})();
