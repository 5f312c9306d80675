// Loaded before a service: at SIGUSR2 its clock is a minute later.
const now = Date.now.bind(Date);
let later = 0;
Date.now = () => now() + later;
process.on("SIGUSR2", () => {
  later += 61_000;
  console.log("a minute later");
});
