// Counts how often it ran; a bench compares that with what it has sent. ROUND tells one version of this file from another.

export default {
  name: "counted",
  biz: 60,
  description: "counts its operations; version ROUND",
  commands: {
    1001: {
      name: "echo",
      run(context) {
        context.stats.count("ran");
        return context.params;
      },
    },
    1002: { name: "count", run: (context) => context.stats.count("ran") },
  },
};
