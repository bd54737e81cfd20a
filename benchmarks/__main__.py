"""Run all benchmarks."""

from benchmarks import answers, startup

if __name__ == "__main__":
    answers.main()
    startup.main()
