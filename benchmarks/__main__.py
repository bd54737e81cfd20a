"""Run all benchmarks."""

from benchmarks import answers, precision, startup

if __name__ == "__main__":
    answers.main()
    startup.main()
    precision.main()
